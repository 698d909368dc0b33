import MatrixModel

/// Reading fields of a request body. A field that is `null` counts as left out: clients send both.
/// A wrong type is 400 M_BAD_JSON, a missing one that is needed 400 M_MISSING_PARAM.
extension JSONView {
    func field(_ name: StaticString) -> JSONView? {
        self[name].flatMap { $0.isNull ? nil : $0 }
    }

    func text(_ name: StaticString) throws(MatrixError) -> String? {
        guard let field = field(name) else { return nil }
        guard let text = field.string else { throw .badJSON("\(name) must be a string") }
        return text
    }

    func needText(_ name: StaticString) throws(MatrixError) -> String {
        guard let text = try text(name) else { throw .missingParam("\(name)") }
        return text
    }

    func flag(_ name: StaticString) throws(MatrixError) -> Bool? {
        guard let field = field(name) else { return nil }
        guard let flag = field.bool else { throw .badJSON("\(name) must be true or false") }
        return flag
    }

    func integer(_ name: StaticString) throws(MatrixError) -> Int64? {
        guard let field = field(name) else { return nil }
        guard let number = field.integer else { throw .badJSON("\(name) must be an integer") }
        return number
    }

    func object(_ name: StaticString) throws(MatrixError) -> JSONView? {
        guard let field = field(name) else { return nil }
        guard field.isObject else { throw .badJSON("\(name) must be an object") }
        return field
    }

    func needObject(_ name: StaticString) throws(MatrixError) -> JSONView {
        guard let object = try object(name) else { throw .missingParam("\(name)") }
        return object
    }

    func list(_ name: StaticString) throws(MatrixError) -> [JSONView]? {
        guard let field = field(name) else { return nil }
        guard field.isArray else { throw .badJSON("\(name) must be an array") }
        return Array(field.elements)
    }

    func texts(_ name: StaticString) throws(MatrixError) -> [String]? {
        guard let list = try list(name) else { return nil }
        var texts: [String] = []
        for element in list {
            guard let text = element.string else {
                throw .badJSON("\(name) must hold strings only")
            }
            texts.append(text)
        }
        return texts
    }

    /// This object as the content of an event.
    func canonicalContent() throws(MatrixError) -> [UInt8] {
        guard isObject else { throw .badJSON("The content must be an object") }
        do throws(JSONError) {
            return try canonical()
        } catch {
            throw MatrixError(error)
        }
    }
}

extension MatrixError {
    /// A text that goes into an event's key, or into one of ours: 255 bytes at most.
    static func checkKey(_ text: String, _ name: String) throws(MatrixError) {
        guard text.utf8.count <= 255 else {
            throw .tooLarge("\(name) has at most 255 bytes")
        }
    }
}
