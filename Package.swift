// swift-tools-version: 6.0
import PackageDescription

/// Short programs in the order in which to read them, one for each method first: `swift run
/// TutorialBYOL`.
let tutorials = [
  "01-BYOL", "02-BYOLTrainer", "03-KNN", "04-SimSiam", "05-SimCLR", "06-NNCLR", "07-MoCo",
  "08-BarlowTwins", "09-VICReg", "10-PixelCL", "11-PixPro", "12-Concurrency",
  "13-EfficientNet", "14-Teacher", "15-Recipe", "16-SeveralProcesses",
  "17-VisionTransformer",
]

let package = Package(
  name: "SelfSupervised",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Tensor", targets: ["Tensor"]),
    .library(name: "Nets", targets: ["Nets"]),
    .library(name: "SelfSupervised", targets: ["SelfSupervised"]),
    .library(name: "Datasets", targets: ["Datasets"]),
    .library(name: "Training", targets: ["Training"]),
    .executable(name: "pretrain", targets: ["pretrain"]),
    .executable(name: "benchmark", targets: ["benchmark"]),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "CTensorKernels", exclude: ["README.md"]),
    .target(name: "Tensor", dependencies: ["COpenBLAS", "CTensorKernels", "Files"]),
    .target(name: "Files"),
    .target(name: "Images", dependencies: ["Files", "Tensor"]),
    .target(name: "Nets", dependencies: ["Files", "Tensor"]),
    .target(name: "SelfSupervised", dependencies: ["Files", "Images", "Nets", "Tensor"]),
    .target(name: "Datasets", dependencies: ["Files", "Images", "Tensor"]),
    .target(
      name: "Training",
      dependencies: ["SelfSupervised", "Datasets", "Files", "Images", "Nets", "Tensor"]),
    .target(name: "Arguments", path: "Examples/Support/Arguments"),
    .target(
      name: "EfficientNet", dependencies: ["SelfSupervised"],
      path: "Examples/Support/EfficientNet"),
    .executableTarget(
      name: "FirstStep", dependencies: ["SelfSupervised", "Datasets", "Training"],
      path: "Examples/FirstStep"),
    .executableTarget(
      name: "Photographs", dependencies: ["SelfSupervised", "Datasets", "Training"],
      path: "Examples/Photographs"),
    .executableTarget(
      name: "pretrain",
      dependencies: ["Arguments", "Files", "Images", "SelfSupervised", "Datasets", "Training"],
      path: "Examples/Pretrain"),
    .executableTarget(
      name: "benchmark", dependencies: ["Arguments", "SelfSupervised", "Training"],
      path: "Examples/Benchmark",
      exclude: [
        "compare.py", "efficientnet_peer.py", "interleaved.py", "lightly_peer.py",
        "onnxruntime_peer.py", "pytorch_peer", "sweep.py",
      ]),
    .executableTarget(
      name: "ShapesToIDX", dependencies: ["Arguments", "Datasets", "Tensor"],
      path: "Examples/Tools/ShapesToIDX"),
    .executableTarget(
      name: "ONNXNetworks", dependencies: ["Arguments", "SelfSupervised", "Tensor", "TestSupport"],
      path: "Examples/Tools/ONNXNetworks"),
    .executableTarget(
      name: "Features", dependencies: ["Arguments", "SelfSupervised"],
      path: "Examples/Tools/Features"),
    .executableTarget(
      name: "Processes", dependencies: ["Arguments", "SelfSupervised", "Datasets", "Training"],
      path: "Examples/Tools/Processes"),
    .executableTarget(
      name: "PixelComparison",
      dependencies: ["Arguments", "SelfSupervised", "Datasets", "Training"],
      path: "Examples/Tools/PixelComparison"),
    .target(
      name: "TestSupport", dependencies: ["Files", "Nets"], path: "Tests/Support",
      exclude: ["formula.py"]),
    .testTarget(
      name: "TensorTests", dependencies: ["CTensorKernels", "Tensor", "TestSupport"]),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
    .testTarget(
      name: "ImagesTests", dependencies: ["Images", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(name: "NetsTests", dependencies: ["Nets", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(
      name: "SelfSupervisedTests", dependencies: ["SelfSupervised", "Datasets", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Training", "SelfSupervised", "Datasets", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "TestSupport"]),
    .testTarget(name: "TrapTests", dependencies: ["SelfSupervised", "Datasets", "Training"]),
  ]
    + tutorials.map { folder in
      .executableTarget(
        name: "Tutorial" + folder.dropFirst("01-".count),
        dependencies: ["Arguments", "EfficientNet", "SelfSupervised", "Datasets", "Training"],
        path: "Examples/Tutorials/\(folder)")
    }
)
