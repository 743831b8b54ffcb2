import Ingest
import Testing

@Suite struct CSVReaderTests {
  typealias Row = (line: Int, fields: [String?], defect: CSVReader.Defect?)

  /// Reads the text in pieces of `step` bytes: where the file is cut must not matter.
  func read(_ bytes: [UInt8], step: Int, delimiter: UInt8 = UInt8(ascii: ",")) -> [Row] {
    var reader = CSVReader(delimiter: delimiter)
    var rows: [Row] = []
    let take = { (record: CSVReader.Record) in rows.append((record.line, (0..<record.count).map { record[$0] }, record.defect)) }
    for start in stride(from: 0, to: bytes.count, by: step) {
      reader.read(Array(bytes[start..<min(start + step, bytes.count)]), take)
    }
    reader.finish(take)
    return rows
  }

  func fields(_ text: String, delimiter: UInt8 = UInt8(ascii: ",")) -> [[String?]] {
    read(Array(text.utf8), step: 3, delimiter: delimiter).map(\.fields)
  }

  @Test(
    arguments: [
      ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
      ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
      ("a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
      ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
      ("\u{FEFF}a,b\n1,2", [["a", "b"], ["1", "2"]]),
      ("\u{FEFF}\"a\",b\n", [["a", "b"]]),
      ("a\n\n\r\n1\n\n", [["a"], ["1"]]),
      (",\n,,\n", [["", ""], ["", "", ""]]),
      ("\"\"\n", [[""]]),
      ("\"\"", [[""]]),
      ("\"a,b\",\"c\"\"d\"\n", [["a,b", "c\"d"]]),
      ("\"line 1\nline 2\r\nline 3\",x\n", [["line 1\nline 2\r\nline 3", "x"]]),
      ("\"\"\"\"\n", [["\""]]),
      ("\"\"\"a\"\"\",b\n", [["\"a\"", "b"]]),
      ("a b, c \n", [["a b", " c "]]),
      ("5\" disk,x\n", [["5\" disk", "x"]]),
      ("é,☃,🎉\n", [["é", "☃", "🎉"]]),
      ("a,", [["a", ""]]),
      ("", []),
      ("\n\n", []),
      ("\u{FEFF}", []),
    ] as [(String, [[String]])])
  func readsTheCorpus(_ text: String, _ expected: [[String]]) {
    for step in [1, 2, 3, 7, 1_000] {
      #expect(read(Array(text.utf8), step: step).map(\.fields) == expected.map { $0.map(Optional.some) }, "step \(step)")
    }
  }

  @Test func takesOtherDelimiters() {
    #expect(fields("a;b,c\n", delimiter: UInt8(ascii: ";")) == [["a", "b,c"]])
    #expect(fields("a\t\"b\tc\"\n", delimiter: UInt8(ascii: "\t")) == [["a", "b\tc"]])
  }

  @Test func countsLinesAcrossQuotedLineBreaks() {
    for ending in ["\n", "\r\n", "\r"] {
      let text = ["h", "\"a", "b\"", "", "c", "d"].joined(separator: ending)
      for step in [1, 2, 100] {
        #expect(read(Array(text.utf8), step: step).map(\.line) == [1, 2, 5, 6])
      }
    }
  }

  @Test func marksBrokenQuotesAndGoesOn() {
    let rows = read(Array("a,b\n\"x\"y,2\n3,4\n\"open,5\n6,7\n".utf8), step: 2)
    #expect(rows.map(\.defect) == [nil, .textAfterQuote, nil, .unterminatedQuote])
    #expect(rows[2].fields == ["3", "4"])
  }

  @Test func boundsTheMemoryOfAStrayQuote() {
    var reader = CSVReader()
    var rows: [Row] = []
    let take = { (record: CSVReader.Record) in rows.append((record.line, (0..<record.count).map { record[$0] }, record.defect)) }
    reader.read(Array("\"".utf8), take)
    let chunk = Array(repeating: UInt8(ascii: "x"), count: 1 << 20)
    for _ in 0..<4 { reader.read(chunk, take) }
    reader.read(Array("\"\nnext\n".utf8), take)
    reader.finish(take)
    #expect(rows.map(\.defect) == [.tooLong, nil])
    #expect(rows[0].fields[0]?.utf8.count == CSVReader.maximumRecordBytes)
    #expect(rows[1].fields == ["next"])
  }

  @Test func givesNilForWhatIsNotUTF8() {
    let rows = read(Array("a,".utf8) + [0xFF, 0xFE] + Array("\nb,c\n".utf8), step: 1)
    #expect(rows.map(\.fields) == [["a", nil], ["b", "c"]])
  }
}
