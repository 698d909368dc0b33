import AdminProtocol
import ArgumentParser
import Configuration
import MultiRaft
import RocksKeyValue

/// A command on the data of a stopped node. Prints the same lines as the socket.
struct OfflineCommand {
    let name: String
    let argumentsText: String

    func run(_ configuration: Configuration, _ mode: StoreMode) throws {
        let arguments: AdminValue
        do { arguments = try AdminValue(parsing: argumentsText) } catch {
            throw ValidationError("--arguments is not JSON: \(error)")
        }
        let logger = try NodeLog(configuration).logger
        let files: NodeFiles
        do {
            files = try NodeFiles(
                configuration,
                mode,
                infoLog: { _, _ in },
                backgroundError: { _ in }
            )
        } catch { throw StartFailure(error) }
        defer { try? files.close() }
        let request = AdminRequest(command: name, arguments: arguments)
        let progress: (AdminValue) -> Void = { print(AdminReply.progress($0).line) }
        do {
            let recovery = LogRecovery(log: files.log, rows: files.state, mark: files.mark.found)
            let tools = LogTools(recovery: recovery)
            let result: AdminValue =
                switch name {
                case "log.verify": try tools.verify(request, progress)
                case "log.inspect": try tools.inspect(request)
                case "log.accept-loss":
                    try LossAcceptance(files: files, logger: logger).run(request, progress)
                case "rebuild": try RebuildCheck(files).run(configuration, progress)
                default: throw AdminFailure.unknownCommand(name)
                }
            print(AdminReply.result(result).line)
        } catch let failure as AdminFailure {
            print(AdminReply.failure(failure).line)
            throw ExitCode(1)
        }
    }
}
