import MatrixModel
import Testing

@Suite("Matrix errors")
struct MatrixErrorTests {
    @Test("The body has errcode, error and the code's own fields")
    func body() {
        #expect(
            String(decoding: MatrixError.forbidden("No \"entry\"").body, as: UTF8.self)
                == #"{"errcode":"M_FORBIDDEN","error":"No \"entry\""}"#
        )
        let limited = MatrixError.limitExceeded(retryAfterMilliseconds: 1500)
        #expect(limited.status == 429)
        #expect(
            String(decoding: limited.body, as: UTF8.self)
                == #"{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":1500}"#
        )
        #expect(MatrixError.unknownToken(softLogout: true).fields.map(\.key) == ["soft_logout"])
        #expect(MatrixError.unknownToken().fields.isEmpty)
    }

    @Test("Codes are upper case with a prefix, and only M_UNKNOWN and gateways' faults are 5xx")
    func codes() {
        for code in MatrixErrorCode.allCases {
            #expect(code.rawValue.hasPrefix("M_"))
            #expect(code.rawValue == code.rawValue.uppercased())
            let isFault: Set<MatrixErrorCode> = [
                .unknown, .badStatus, .connectionFailed, .connectionTimeout, .notYetUploaded,
            ]
            #expect((400..<500).contains(code.status) == !isFault.contains(code))
        }
        #expect(MatrixError(.forbidden, "x", status: 401).status == 401)
    }

    @Test("Text that is no JSON is M_NOT_JSON; JSON that Matrix forbids is M_BAD_JSON")
    func json() {
        func code(_ text: String, _ limits: JSONLimits = JSONLimits()) -> MatrixErrorCode? {
            do {
                _ = try JSONDocument(parsing: text, limits: limits).root.canonical()
                return nil
            } catch { return MatrixError(error).code }
        }
        #expect(code("{") == .notJSON)
        #expect(code("NaN") == .notJSON)
        #expect(code(#"{"a":1,"a":2}"#) == .badJSON)
        #expect(code("[1.5]") == .badJSON)
        #expect(code("[[]]", JSONLimits(depth: 1)) == .badJSON)
        #expect(code("[[]]", JSONLimits(bytes: 1)) == .tooLarge)
        #expect(code("{}") == nil)
    }

    @Test("No message of a JSON error repeats the client's bytes")
    func messages() {
        let errors: [JSONError] = [
            .tooLarge(limit: 1), .tooDeep(limit: 1), .tooManyValues(limit: 1), .truncated,
            .unexpectedByte(at: 1), .invalidUTF8(at: 1), .controlCharacter(at: 1),
            .invalidEscape(at: 1), .loneSurrogate(at: 1), .invalidNumber(at: 1),
            .duplicateKey(at: 1), .trailingBytes(at: 1), .notCanonical(at: 1), .notAnObject,
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
        #expect(errors.allSatisfy { MatrixError($0).status < 500 })
    }
}
