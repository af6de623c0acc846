/// Where the images that views are drawn of begin in their batch.
enum BatchPart {
  @TaskLocal static var firstIndex = 0
}

/// Runs `body`, in which views are drawn of a part of a batch that begins with its image number
/// `firstIndex`: each image's are those that the whole batch would give it.
package func withBatchPart<Result>(
  from firstIndex: Int, _ body: () throws -> Result
) rethrows -> Result {
  try BatchPart.$firstIndex.withValue(firstIndex, operation: body)
}
