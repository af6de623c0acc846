// swift-tools-version: 6.0
import PackageDescription

/// One short program for each method, in the order in which to read them.
let examples = [
  "Example1BYOL", "Example2NeighbourJudge", "Example3SimSiam", "Example4SimCLR", "Example5NNCLR",
  "Example6MoCo", "Example7BarlowTwins", "Example8VICReg", "Example9PixelCL",
]

let package = Package(
  name: "SelfSupervised",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Tensor", targets: ["Tensor"]),
    .library(name: "Nets", targets: ["Nets"]),
    .library(name: "SelfSupervised", targets: ["SelfSupervised"]),
    .library(name: "Datasets", targets: ["Datasets"]),
    .executable(name: "pretrain", targets: ["pretrain"]),
    .executable(name: "benchmark", targets: ["benchmark"]),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "CTensorKernels"),
    .target(name: "Tensor", dependencies: ["COpenBLAS", "CTensorKernels"]),
    .target(name: "Files"),
    .target(name: "Images", dependencies: ["Files", "Tensor"]),
    .target(name: "Nets", dependencies: ["Files", "Tensor"]),
    .target(name: "SelfSupervised", dependencies: ["Files", "Images", "Nets", "Tensor"]),
    .target(name: "Datasets", dependencies: ["Files", "Images", "Tensor"]),
    .target(name: "Arguments", path: "Examples/Arguments"),
    .executableTarget(
      name: "FirstStep", dependencies: ["SelfSupervised"], path: "Examples/FirstStep"),
    .executableTarget(
      name: "Photographs", dependencies: ["SelfSupervised", "Datasets"],
      path: "Examples/Photographs"),
    .executableTarget(
      name: "pretrain",
      dependencies: ["Arguments", "ExampleSupport", "SelfSupervised", "Datasets"],
      path: "Examples/Pretrain"),
    .executableTarget(
      name: "benchmark", dependencies: ["Arguments", "SelfSupervised"], path: "Examples/Benchmark",
      exclude: ["compare.py", "interleaved.py", "lightly_peer.py", "pytorch_peer"]),
    .target(
      name: "ExampleSupport", dependencies: ["SelfSupervised", "Datasets"],
      path: "Examples/ExampleSupport"),
    .executableTarget(
      name: "ShapesToIDX", dependencies: ["Arguments", "Datasets", "Tensor"],
      path: "Examples/ShapesToIDX"),
    .executableTarget(
      name: "PixelComparison", dependencies: ["Arguments", "SelfSupervised", "Datasets"],
      path: "Examples/PixelComparison"),
    .target(
      name: "TestSupport", dependencies: ["Files", "Nets"], path: "Tests/Support",
      exclude: ["formula.py"]),
    .testTarget(name: "TensorTests", dependencies: ["CTensorKernels", "Tensor"]),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
    .testTarget(
      name: "ImagesTests", dependencies: ["Images", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(name: "NetsTests", dependencies: ["Nets", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(
      name: "SelfSupervisedTests", dependencies: ["SelfSupervised", "Datasets", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "TestSupport"]),
  ]
    + examples.map {
      .executableTarget(
        name: $0, dependencies: ["ExampleSupport", "SelfSupervised", "Datasets"],
        path: "Examples/\($0)")
    }
)
