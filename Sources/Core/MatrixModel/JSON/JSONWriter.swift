/// Builds one JSON text front to back. The caller keeps the order of calls right: inside an
/// object a `key` before every value; `finish` checks that everything opened was closed.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8]
    /// The next key or element is not the first of its container.
    private var needsComma = false
    private var depth = 0

    package init(reserving capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// The finished text.
    package consuming func finish() -> [UInt8] {
        precondition(depth == 0, "every object and array that begins must end")
        return bytes
    }

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    @inline(__always)
    private mutating func open(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        needsComma = false
        depth += 1
    }

    @inline(__always)
    private mutating func close(_ byte: UInt8) {
        precondition(depth > 0, "nothing is open")
        bytes.append(byte)
        needsComma = true
        depth -= 1
    }

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    /// A key that needs no escape, as every literal key of the API.
    package mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(ascii: name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A key known only at run time, escaped where needed.
    @_disfavoredOverload
    package mutating func key(_ name: String) {
        separate()
        bytes.appendJSONString(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func string(_ value: String) {
        separate()
        bytes.appendJSONString(value)
    }

    /// A string given as valid UTF-8.
    package mutating func string(utf8 value: ArraySlice<UInt8>) {
        separate()
        value.withUnsafeBufferPointer { bytes.appendJSONString($0) }
    }

    package mutating func int(_ value: Int64) {
        separate()
        bytes.appendDecimal(value)
    }
    package mutating func int(_ value: Int) { int(Int64(value)) }

    package mutating func bool(_ value: Bool) {
        separate()
        bytes.append(ascii: value ? "true" : "false")
    }

    package mutating func null() {
        separate()
        bytes.append(ascii: "null")
    }

    /// A finite number with the fewest digits that read back as the same `Double`.
    package mutating func double(_ value: Double) {
        precondition(value.isFinite, "JSON has no infinity and no NaN")
        separate()
        let text = "\(value)"
        bytes.append(contentsOf: (text.hasSuffix(".0") ? String(text.dropLast(2)) : text).utf8)
    }

    /// Splices a whole JSON value as it is.
    package mutating func raw(_ value: [UInt8]) {
        separate()
        bytes.append(contentsOf: value)
    }

    package mutating func raw(_ value: ArraySlice<UInt8>) {
        separate()
        bytes.append(contentsOf: value)
    }

    package mutating func raw(_ value: UnsafeRawBufferPointer) {
        separate()
        bytes.append(contentsOf: value)
    }

    package mutating func reserve(_ additional: Int) {
        bytes.reserveCapacity(bytes.count + additional)
    }
}

extension JSONWriter {
    package mutating func member(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }

    package mutating func member(_ name: StaticString, _ value: Int64) {
        key(name)
        int(value)
    }

    package mutating func member(_ name: StaticString, _ value: Int) {
        key(name)
        int(value)
    }

    package mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        bool(value)
    }

    package mutating func member(_ name: StaticString, raw value: [UInt8]) {
        key(name)
        raw(value)
    }

    package mutating func value(_ value: JSONValue) { value.write(into: &self) }

    /// A whole object: `body` writes the members.
    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }

    /// A whole array: `body` writes the elements.
    package mutating func array(_ body: (inout JSONWriter) -> Void) {
        beginArray()
        body(&self)
        endArray()
    }
}
