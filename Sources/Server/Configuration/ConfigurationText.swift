extension Configuration {
    /// The commented file that `warblerd --print-default-configuration` prints. Reading it back
    /// gives the defaults.
    package static var defaultText: String { Configuration().text(commented: true) }

    /// This configuration as a file, secrets masked.
    package func text(commented: Bool) -> String {
        // A token that was read from its file belongs there, not here.
        var shown = self
        if server.registrationTokenFile != nil { shown.server.registrationToken = nil }
        var lines: [String] = []
        if commented {
            lines += comment(
                """
                Configuration of a Warbler node. Every value shown is the default: keep only what
                you change, if you like. Any key can also be set by an environment variable:
                WARBLER_SECTION__KEY, such as WARBLER_SERVER__NAME or WARBLER_LISTEN__0__PORT.
                Sizes may be written as 65536, 64 KiB, 1 MiB or 2 GiB.
                Check a change with: warbler config check --config FILE
                """,
                indent: ""
            )
        }
        for section in ConfigurationSchema.sections {
            if !lines.isEmpty { lines.append("") }
            if commented { lines += comment(section.documentation, indent: "") }
            lines.append("\(section.name):")
            for setting in section.settings {
                if commented { lines += comment(setting.documentation, indent: "  ") }
                let key = setting.path.dropFirst(section.name.count + 1)
                lines.append("  \(key): \(setting.show(shown))")
            }
            if section.name == "server" { lines += listenLines(commented: commented) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func listenLines(commented: Bool) -> [String] {
        var lines = [""]
        if commented { lines += comment(ConfigurationSchema.listenerDocumentation, indent: "") }
        lines.append("listen:")
        for listener in listen {
            for (position, setting) in ConfigurationSchema.listener.enumerated() {
                if commented { lines += comment(setting.documentation, indent: "    ") }
                let dash = position == 0 ? "  - " : "    "
                lines.append("\(dash)\(setting.path): \(setting.show(listener))")
            }
        }
        return lines
    }

    private func comment(_ text: String, indent: String) -> [String] {
        guard !text.isEmpty else { return [] }
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "\(indent)# \($0)" }
    }
}
