// swift-tools-version: 6.0
import PackageDescription

// A package of its own, so that nobody who depends on this one builds it: see `run`.
let package = Package(
  name: "Fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "SelfSupervised", path: "../..")],
  targets: [
    .target(name: "CMemoryWatch"),
    // The same folder as the package's, which has no product of it.
    .target(name: "FuzzedArguments"),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "CMemoryWatch", "FuzzedArguments",
        .product(name: "SelfSupervised", package: "SelfSupervised"),
        .product(name: "Datasets", package: "SelfSupervised"),
        .product(name: "Training", package: "SelfSupervised"),
      ]),
  ]
)
