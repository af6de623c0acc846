extension ImageDataset {
  /// The file of an image, where images are of files of their own; nil where they are not.
  package func file(of index: Int) -> String? {
    switch self {
    case let subset as Subset: subset.base.file(of: subset.indices[index])
    case let all as ConcatenatedDataset:
      all.datasets[all.place(of: index).dataset].file(of: all.place(of: index).index)
    case let images as LabeledImages: images.paths.isEmpty ? nil : images.paths[index]
    case let images as LazyImageFolder: images.path(of: index)
    default: nil
    }
  }
}
