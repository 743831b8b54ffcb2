extension Array {
  /// In lists that each fit one bound parameter, of which ClickHouse takes 128 KiB.
  /// - Parameter length: how many bytes an element takes in the list.
  func chunked(by length: (Element) -> Int) -> [[Element]] {
    var chunks: [[Element]] = [[]]
    var total = 0
    for element in self {
      let needed = length(element)
      if total + needed > 90_000, total > 0 {
        chunks.append([])
        total = 0
      }
      chunks[chunks.count - 1].append(element)
      total += needed
    }
    return chunks
  }
}
