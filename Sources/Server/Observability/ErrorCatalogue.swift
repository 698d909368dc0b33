/// Every failure an operator can meet, by the code that logs, /readyz, the command line and exit
/// messages name. `warbler explain CODE` prints an entry; a test holds the codes in the sources
/// against this list.
package enum ErrorCatalogue {
    package struct Entry: Sendable, Equatable {
        package let code: String
        package let title: String
        /// What happened and what it does to the server.
        package let meaning: String
        /// What a person can do.
        package let remedy: String
        /// The status the daemon exits with (sysexits.h); nil when it goes on.
        package let exitStatus: Int32?

        init(
            _ code: String,
            _ title: String,
            exit exitStatus: Int32? = nil,
            _ meaning: String,
            _ remedy: String
        ) {
            self.code = code
            self.title = title
            self.meaning = meaning
            self.remedy = remedy
            self.exitStatus = exitStatus
        }
    }

    package static func entry(for code: String) -> Entry? {
        let code = code.uppercased()
        return all.first { $0.code == code }
    }

    package static let all: [Entry] = keys + node + log + disk + others

    private static let keys: [Entry] = [
        Entry(
            "E-KEY-001",
            "The root key cannot be read",
            exit: 78,
            "The file, command or variable named under `keys` is missing or unreadable. Nothing "
                + "was opened and nothing was changed.",
            "Put the key back where `keys.path`, `keys.command` or `keys.variable` says, or "
                + "correct the configuration. Without the key the data cannot be read."
        ),
        Entry(
            "E-KEY-002",
            "The root key file can be read by others",
            exit: 78,
            "Its mode or its owner lets other users read it, so the server refuses it.",
            "chmod 600 FILE, and chown it to the user that runs warblerd. If others may have "
                + "read it, rotate: warbler keys rotate."
        ),
        Entry(
            "E-KEY-003",
            "The root key lies on the data's file system",
            exit: 78,
            "Whoever takes the disk takes the key with it. A warning, unless "
                + "`keys.require_separate_root_key` is set: then the server refuses to start.",
            "Move the key to another file system, or let `keys.provider: exec` fetch it."
        ),
        Entry(
            "E-KEY-010",
            "The root key is the wrong one",
            exit: 78,
            "The key ring does not open with it. The data is untouched; the message names the "
                + "key ring and the fingerprints of the slots it has.",
            "Give the server the key this data folder was made with; look for the copy that was "
                + "kept elsewhere."
        ),
        Entry(
            "E-KEY-011",
            "The key ring is damaged",
            exit: 78,
            "Neither KEYRING nor KEYRING.prev can be read whole.",
            "Restore the KEYRING file from a copy of the data folder. Check the disk."
        ),
        Entry(
            "E-KEY-012",
            "The key ring is an old copy",
            exit: 78,
            "Its generation is below the one this node has already used: files may exist that it "
                + "has no key for.",
            "Restore the newest KEYRING; do not put old copies over it."
        ),
        Entry(
            "E-KEY-013",
            "There is no key ring where one is expected, or one where none is",
            exit: 78,
            "The data folder and its KEYRING do not belong together: one of them was moved, or "
                + "a first start was interrupted.",
            "Put the KEYRING back beside its data; do not let a new one be made for old data."
        ),
        Entry(
            "E-KEY-014",
            "The key ring does not allow this change now",
            "Such as ending a root-key rotation that was never begun.",
            "See `warbler keys status` for where a rotation stands."
        ),
        Entry(
            "E-KEY-015",
            "The files of the key ring cannot be used",
            exit: 78,
            "They cannot be read, written or locked; another process may hold them.",
            "Check the owner and mode of the data folder, and that no second warblerd runs."
        ),
        Entry(
            "E-KEY-020",
            "A file was written under an unknown key epoch",
            exit: 78,
            "The key ring has no data key for it, so the store it belongs to cannot be used.",
            "Restore the newest KEYRING, or the file from the same moment as the key ring."
        ),
        Entry(
            "E-KEY-021",
            "A plaintext file lies in an encrypted store",
            exit: 78,
            "Somebody or something put a file there that the server did not write. It is never "
                + "assumed to be meant.",
            "Find out where the file named in the message comes from and move it away."
        ),
        Entry(
            "E-KEY-030",
            "The key provider did not answer",
            exit: 75,
            "The command or service that holds the root key failed or timed out, also when "
                + "tried again.",
            "Run the configured command by hand as the server's user; start again when it works."
        ),
        Entry(
            "E-KEY-050",
            "A content key is missing",
            "A room's or user's key is absent although it was never destroyed. Requests that "
                + "need it are answered 503; other rooms are not touched.",
            "Run `warbler log verify`; restore the key partition from a backup if it is damaged."
        ),
        Entry(
            "E-KEY-051",
            "Destroyed keys are not unrecoverable yet",
            "A room's or user's key is destroyed and nothing it sealed is served, but older bytes "
                + "on the disk could still be unwrapped with the key ring: the work that ends this "
                + "failed and is tried again.",
            "Read the reason in the log: usually the key ring's folder, or a key that does not "
                + "open. `warbler keys status` tells when it is complete."
        ),
    ]

    private static let node: [Entry] = [
        Entry(
            "E-NODE-AMNESIA",
            "The log is not what this node has promised",
            exit: 74,
            "The mark beside the log, or the rows folded from it, prove that records were durable "
                + "which are now gone or changed. The node does not start, and nothing was "
                + "changed.",
            "Check the disk; put the newest data back if there is a copy. Else `warbler log "
                + "verify` names what is gone and `warbler log accept-loss` goes on without it."
        ),
        Entry(
            "E-NODE-MARK",
            "The mark is missing or damaged",
            exit: 74,
            "The file that proves how far the log must reach cannot be read in either slot: "
                + "nobody knows whether something is missing.",
            "Restore it from a copy of the same moment, or go on with what is there: "
                + "`warbler log accept-loss`."
        ),
        Entry(
            "E-NODE-LOCKED",
            "Another process uses this data folder",
            exit: 75,
            "Only one warblerd may have a data folder open.",
            "Stop the other one (Deploy/run --stop), or give this one another folder."
        ),
        Entry(
            "E-NODE-NAME",
            "The server name differs from the data's",
            exit: 78,
            "Every ID in the data contains the name it was made with; it can never change. The "
                + "file `identity` in the data folder holds it.",
            "Set `server.name` back to the name the message gives, or use a new data folder."
        ),
        Entry(
            "E-NODE-PARTITIONS",
            "The partition count differs from the data's",
            exit: 78,
            "Rooms and accounts are spread over the number chosen at the first start.",
            "Set `partitions.count` back to the number the message gives."
        ),
        Entry(
            "E-NODE-BENCH",
            "This data folder was made by --bench",
            exit: 78,
            "It may hold unencrypted data, so it opens in no normal start, and a normal one "
                + "opens in no bench run.",
            "Use another data folder."
        ),
        Entry(
            "E-NODE-VERSION",
            "The data was written by a newer release",
            exit: 78,
            "This release does not know the format the message names.",
            "Start the release that wrote it, or a later one."
        ),
        Entry(
            "E-NODE-START",
            "The node could not start or go on",
            exit: 74,
            "It met something that has no code of its own; the message says what.",
            "Start it again. If it ends the same way, keep a copy of the data folder and report "
                + "the message."
        ),
        Entry(
            "E-NODE-REPLAY",
            "The node is still replaying its log",
            "After a start, the newest records are folded again before clients are served.",
            "Wait; `warbler status` and the metric warbler_replay_entries_left show how long."
        ),
    ]

    private static let log: [Entry] = [
        Entry(
            "E-LOG-HOLE",
            "A record of the log is damaged",
            exit: 74,
            "It does not fit its digest or its place. While the rows folded from it are there, "
                + "the node serves and names it; when they must still be folded, it does not "
                + "start.",
            "Check the disk; put the data back if there is a copy. Else stop the node: `warbler "
                + "log verify` names all that is damaged, `warbler log accept-loss` records the "
                + "loss in the log itself."
        ),
        Entry(
            "E-LOG-UNCONFIRMED",
            "A loss was not named as it is",
            "`warbler log accept-loss` gives up only what is repeated word for word, so that "
                + "nothing is lost by a slip. Nothing was changed.",
            "Run `warbler log verify`, and give the words it prints to `--yes-lose`."
        ),
        Entry(
            "E-LOG-SOUND",
            "Nothing is damaged",
            "`warbler log accept-loss` found every record as it was written, up to the last one "
                + "that was promised. Nothing was changed.",
            "Nothing; start the node."
        ),
    ]

    private static let disk: [Entry] = [
        Entry(
            "E-DISK-LOW",
            "Little disk space is left",
            "Less than `storage.reserve_low_bytes` is free: writes are answered 503 with "
                + "Retry-After. Reads go on, and redactions, logouts and what else gives space "
                + "or access back.",
            "Make room. Writes resume by themselves."
        ),
        Entry(
            "E-DISK-CRITICAL",
            "Almost no disk space is left",
            "Less than `storage.reserve_critical_bytes` is free: redactions and logouts are "
                + "answered 503 too. Reads go on, and what the node owes itself is written.",
            "Make room now. Writes resume by themselves."
        ),
        Entry(
            "E-DISK-FULL",
            "The disk is full",
            exit: 74,
            "The log itself met ENOSPC. Nothing unsynced was acknowledged; the node stopped.",
            "Make room, then start again."
        ),
        Entry(
            "E-DISK-IO",
            "The disk failed",
            exit: 74,
            "A read or write of the store met an error of the system.",
            "Check the disk (dmesg, smartctl), then start again."
        ),
        Entry(
            "E-DISK-DAMAGED",
            "A file of the store is damaged",
            exit: 74,
            "A checksum does not fit, or a file is missing.",
            "If it is in the state folder: move that folder away and start; it is rebuilt from "
                + "the log. If it is in the log: `warbler log verify`."
        ),
    ]

    private static let others: [Entry] = [
        Entry(
            "E-CONFIG",
            "The configuration has errors",
            exit: 78,
            "Each is listed with its file and line.",
            "Correct them; warbler config check FILE."
        ),
        Entry(
            "E-LISTEN",
            "An address cannot be listened on",
            exit: 75,
            "It is in use, not this machine's, or the port is below 1024 and the server is not "
                + "root.",
            "ss -ltnp shows who has the port; choose another under `listen`."
        ),
        Entry(
            "E-TLS",
            "The certificate or its key cannot be used",
            exit: 78,
            "At the start this ends the server (exit 78); when files change later, the old "
                + "ones stay in use.",
            "Check that both are PEM, belong together, and can be read by the server's user."
        ),
        Entry(
            "E-ADMIN-PEER",
            "You may not use the administration socket",
            "Only the user that runs the server, and root, are answered.",
            "Use sudo, or sudo -u USER."
        ),
        Entry(
            "E-ADMIN-COMMAND",
            "The node knows no such command",
            "The command line tool is newer or older than the server.",
            "Use the `warbler` that came with the running `warblerd`."
        ),
        Entry(
            "E-ADMIN-UNKNOWN",
            "The node gave no reason",
            "It refused the command with an answer this tool does not understand.",
            "Look into the server's log; use the `warbler` that came with the `warblerd`."
        ),
        Entry(
            "E-ADMIN-ARGUMENT",
            "An argument of the command is missing or wrong",
            "The message names it.",
            "Correct it; `warbler help COMMAND` lists the arguments."
        ),
    ]
}
