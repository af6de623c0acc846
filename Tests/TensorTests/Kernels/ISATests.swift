import CTensorKernels
import XCTest

@testable import Tensor

/// Every dispatched C function under every ISA against the version without vector extensions.
final class ISATests: XCTestCase {
  private typealias Floats = UnsafeMutablePointer<Float>

  func testTheMaximumLimitsTheISA() {
    ctk_set_max_isa(CTKISAAVX512)
    let best = ctk_isa()
    forEachISA { XCTAssertLessThanOrEqual($0.rawValue, best.rawValue) }
    ctk_set_max_isa(CTKISABaseline)
    XCTAssertEqual(ctk_isa(), CTKISABaseline)
    XCTAssertFalse(ctk_has_bfloat16())
    ctk_set_max_isa(CTKISAAVX512)
    XCTAssertEqual(ctk_isa(), best)
  }

  func testEveryVersionComputesTheSame() {
    for (name, run) in kernels {
      ctk_set_max_isa(CTKISABaseline)
      let expected = run()
      XCTAssertGreaterThan(expected.map(\.magnitude).max() ?? 0, 0, name)
      forEachISA { isa in
        for (found, expected) in zip(run(), expected) {
          XCTAssertEqual(
            found, expected, accuracy: 1e-4 * max(1, expected.magnitude), "\(name), \(isa)")
        }
      }
    }
  }

  /// The functions that the target dispatches, read from its text, are those above.
  func testEveryDispatchedFunctionIsAbove() throws {
    let here = URL(fileURLWithPath: #filePath)
    let package = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
    let folder = package.appending(path: "Sources/CTensorKernels")
    let files = try XCTUnwrap(
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var found: Set<String> = []
    for case let file as URL in files where ["c", "h"].contains(file.pathExtension) {
      let text = try String(contentsOf: file, encoding: .utf8)
      found.formUnion(text.matches(of: /CTK_DISPATCH\(\s*(\w+), \w+,/).map { String($0.output.1) })
    }
    found.remove("name")
    XCTAssertEqual(found, Set(kernels.map { String($0.name.prefix { $0 != " " }) }))
  }

  private var kernels: [(name: String, run: () -> [Float])] {
    rowKernels + schemes.flatMap { transforms(of: $0) }
  }

  /// Rows of 45 channels: several vectors, one, and a part of one.
  private var rowKernels: [(name: String, run: () -> [Float])] {
    var kernels = numberKernels
    for format in [NumberFormat.float32, .bfloat16] {
      kernels += normalizations(format) + [largest(format)]
    }
    for (width, stride) in [(3, 1), (3, 2), (5, 1), (4, 1)] {
      kernels += depthwise(kernelWidth: width, stride: stride)
    }
    for terms in [3, 22] { kernels += convolutionRows(terms: terms) }
    for isTransposed in [false, true] { kernels.append(product(isTransposed: isTransposed)) }
    return kernels + [longSum]
  }

  private static let (rows, channels) = (11, 45)
  private static let count = rows * channels

  /// A kernel that reads some numbers and makes others.
  private func kernel(
    _ name: String, _ outputs: Int, _ body: @escaping ([Tensor], Floats) -> Void
  ) -> (name: String, run: () -> [Float]) {
    (
      name,
      {
        var stream = RandomStream(seed: 11)
        let values = (0..<6).map { _ in Tensor.uniform([Self.count], in: 0.5..<2, using: &stream) }
        defer { extendLifetime(values) }
        return self.result(outputs) { body(values, $0) }
      }
    )
  }

  /// A mean and a factor for each row, as what C calls them.
  private func withStatistics(
    _ floats: Floats, _ body: (UnsafeMutablePointer<CTKRowStatistics>) -> Void
  ) {
    floats.withMemoryRebound(to: CTKRowStatistics.self, capacity: Self.rows, body)
  }

  private var numberKernels: [(name: String, run: () -> [Float])] {
    let count = Self.count
    return [
      kernel("ctk_adam_step", 3 * count) { values, out in
        let step = CTKAdamStep(
          share1: 0.1, keep2: 0.99, share2: 0.01, coupled: 0.1, shrink: 0.9, rate: 0.1, scale: 1,
          epsilon: 1e-3)
        for index in 0..<3 {
          (out + index * count).update(from: values[index].pointer, count: count)
        }
        ctk_adam_step(out, values[3].pointer, out + count, out + 2 * count, count, step)
      },
      kernel("ctk_gelu", count) { values, out in ctk_gelu(values[0].pointer, out, count) },
      kernel("ctk_gelu_gradient", count) { values, out in
        ctk_gelu_gradient(values[0].pointer, values[1].pointer, out, count)
      },
      kernel("ctk_softmax_rows", count) { values, out in
        out.update(from: values[0].pointer, count: count)
        ctk_softmax_rows(out, Self.rows, Self.channels, 0.7)
      },
      kernel("ctk_softmax_gradient_rows", count) { values, out in
        out.update(from: values[0].pointer, count: count)
        ctk_softmax_gradient_rows(values[1].pointer, out, Self.rows, Self.channels, 0.7)
      },
      kernel("ctk_layer_norm", count + 2 * Self.rows) { values, out in
        self.withStatistics(out + count) {
          ctk_layer_norm(
            values[0].pointer, Self.rows, Self.channels, values[1].pointer, values[2].pointer, 1e-3,
            out, $0)
        }
      },
      kernel("ctk_layer_norm_gradient", count + 2 * Self.channels) { values, out in
        var statistics = (0..<2 * Self.rows).map { 0.8 + 0.1 * Float($0) }
        statistics.withUnsafeMutableBufferPointer { found in
          self.withStatistics(found.baseAddress ?? out) {
            ctk_layer_norm_gradient(
              values[0].pointer, values[1].pointer, Self.rows, Self.channels, values[2].pointer, $0,
              out, out + count)
          }
        }
      },
      kernel("ctk_transpose_panel", count) { values, out in
        ctk_transpose_panel(values[0].pointer, Self.channels, Self.rows, Self.channels, out)
      },
      kernel("ctk_narrow", count) { values, out in
        let halves = Tensor([count], .bfloat16) { ctk_narrow(values[0].pointer, count, $0.halves) }
        out.update(from: halves.scalars, count: count)
      },
      kernel("ctk_widen", count) { values, out in
        let halves = values[0].inFormat(.bfloat16)
        ctk_widen(halves.numbers.halves, count, out)
        extendLifetime(halves)
      },
      kernel("ctk_add_narrow", count) { values, out in
        var sum = values[0].inFormat(.bfloat16)
        let addend = values[1].inFormat(.bfloat16)
        sum.mutateNumbers { ctk_add_narrow($0.halves, addend.numbers.halves, count) }
        extendLifetime(addend)
        out.update(from: sum.scalars, count: count)
      },
    ]
  }

  /// The largest numbers of a window of 3x3 and their places, in an image of 3x11 with 15 channels.
  private func largest(_ format: NumberFormat) -> (name: String, run: () -> [Float]) {
    let channels = 15
    return kernel("ctk_largest \(format)", 2 * channels) { values, out in
      let image = values[0].inFormat(format)
      let window = CTKWindow(width: 11, channels: channels, first: 2, rows: 3, columns: 3)
      var places = [Int32](repeating: 0, count: channels)
      let found = Tensor([channels], format) {
        ctk_largest(image.numbers.layout, window, $0.layout, &places)
      }
      extendLifetime(image)
      out.update(from: found.scalars + places.map { Float($0) }, count: 2 * channels)
    }
  }

  /// A product of 11 rows, 13 terms and 35 columns, added to numbers, whose factors' and results'
  /// rows are longer than that.
  private func product(isTransposed: Bool) -> (name: String, run: () -> [Float]) {
    kernel("ctk_multiply \(isTransposed ? "transposed" : "")", 11 * 37) { values, out in
      out.update(from: values[2].pointer, count: 11 * 37)
      let sizes = CTKProduct(
        rows: 11, columns: 35, terms: 13, rowStep: isTransposed ? 1 : 17,
        termStep: isTransposed ? 17 : 1, rightStep: 37, resultStep: 37, accumulates: true)
      ctk_multiply(sizes, values[0].pointer, values[1].pointer, out)
    }
  }

  /// A single column of more terms than are copied at a time.
  private var longSum: (name: String, run: () -> [Float]) {
    kernel("ctk_multiply long", 1) { values, out in
      let sizes = CTKProduct(
        rows: 1, columns: 1, terms: 300, rowStep: 300, termStep: 1, rightStep: 1, resultStep: 1,
        accumulates: false)
      ctk_multiply(sizes, values[0].pointer, values[1].pointer, out)
    }
  }

  /// The loops of normalizations, on numbers of a format.
  private func normalizations(_ format: NumberFormat) -> [(name: String, run: () -> [Float])] {
    let (rows, channels, count) = (Self.rows, Self.channels, Self.count)
    func affine(_ values: [Tensor]) -> CTKAffine {
      CTKAffine(factor: values[3].pointer, offset: values[4].pointer)
    }
    func normalized(_ values: [Tensor]) -> CTKNormalized {
      CTKNormalized(
        gradient: values[0].numbers.address, input: values[1].numbers.address,
        output: values[2].numbers.address, format: format.layout, affine: affine(values),
        gate: CTKGateByInput)
    }
    /// The same as above, of which three inputs have the format.
    func kernel(
      _ name: String, _ outputs: Int, _ body: @escaping ([Tensor], Floats) -> Void
    ) -> (name: String, run: () -> [Float]) {
      self.kernel("\(name) \(format)", outputs) { values, out in
        let values = values[..<3].map { $0.inFormat(format) } + values[3...]
        body(values, out)
        extendLifetime(values)
      }
    }
    /// The same for outputs of the format.
    func kernel(
      writing name: String, _ outputs: Int,
      _ body: @escaping ([Tensor], MutableNumbers) -> Void
    ) -> (name: String, run: () -> [Float]) {
      kernel(name, outputs) { values, out in
        let made = Tensor([outputs], format) { body(values, $0) }
        out.update(from: made.scalars, count: outputs)
      }
    }
    return [
      kernel("ctk_channel_sums", 2 * channels) { values, out in
        ctk_channel_sums(
          values[0].numbers.layout, values[3].pointer, rows, channels, out, out + channels)
      },
      kernel(writing: "ctk_apply_affine", count) { values, out in
        ctk_apply_affine(
          values[0].numbers.layout, values[1].numbers.address, affine(values), true, false, rows,
          channels, out.address)
      },
      kernel("ctk_gradient_sums", 2 * channels) { values, out in
        ctk_gradient_sums(
          normalized(values), values[5].pointer, rows, channels, out, out + channels)
      },
      kernel(writing: "ctk_input_gradients", 2 * count) { values, out in
        ctk_input_gradients(
          normalized(values), values[3].pointer, values[4].pointer, values[5].pointer, false, rows,
          channels, out.address, (out + count).address)
      },
    ]
  }

  /// Two rows of 21 results of 112 outputs: blocks of every width.
  private func convolutionRows(terms: Int) -> [(name: String, run: () -> [Float])] {
    let sizes = CTKConvolutionRows(
      lines: 2, terms: terms, termStep: 1, lineStep: 60, step: 1, rowStep: 60, rows: 2, width: 21,
      outputs: 112)
    let (weights, results) = (2 * terms * sizes.outputs, 2 * 21 * sizes.outputs)
    func kernel(
      _ name: String, from input: Int, to output: Int,
      _ body: @escaping (Tensor, Tensor, Floats) -> Void
    ) -> (name: String, run: () -> [Float]) {
      (
        "\(name) \(terms)",
        {
          var stream = RandomStream(seed: 13)
          let image = Tensor.uniform([180], in: 0.5..<2, using: &stream)
          let factor = Tensor.uniform([input], in: 0.01..<0.05, using: &stream)
          defer { extendLifetime((image, factor)) }
          return self.result(output) { body(image, factor, $0) }
        }
      )
    }
    return [
      kernel("ctk_convolution_rows", from: weights, to: results) { image, weight, out in
        ctk_convolution_rows(
          sizes, image.pointer, weight.pointer, CTKEpilogue(), MutableNumbers(out).layout)
      },
      kernel("ctk_convolution_kernel_gradient", from: results, to: weights) { image, slopes, out in
        out.update(repeating: 0, count: weights)
        ctk_convolution_kernel_gradient(sizes, image.pointer, slopes.pointer, out)
      },
    ]
  }

  /// Rows of 45 channels, of results that read all taps and of one that reads fewer.
  private func depthwise(
    kernelWidth: Int, stride: Int
  ) -> [(name: String, run: () -> [Float])] {
    let (width, channels, kernelHeight) = (9, 45, 2)
    let imageWidth = (width - 1) * stride + kernelWidth
    let columns = (0..<width).map { x in
      CTKTaps(
        count: x == 0 ? kernelWidth - 1 : kernelWidth, tap: 0, tapStep: 1, pixel: x * stride,
        pixelStep: 1)
    }
    func kernel(
      _ name: String, from input: Int, to output: Int,
      _ body: @escaping (CTKDepthwiseRow, Tensor, Tensor, Floats) -> Void
    ) -> (name: String, run: () -> [Float]) {
      (
        "\(name) \(kernelWidth) \(stride)",
        {
          var stream = RandomStream(seed: 13)
          let image = Tensor.normal([kernelHeight * imageWidth * channels], using: &stream)
          let other = Tensor.normal([input], using: &stream)
          defer { extendLifetime((image, other)) }
          return columns.withUnsafeBufferPointer { columns in
            let row = CTKDepthwiseRow(
              imageWidth: imageWidth, channels: channels, kernelWidth: kernelWidth, width: width,
              vertical: CTKTaps(
                count: kernelHeight, tap: 0, tapStep: 1, pixel: 0, pixelStep: 1),
              horizontal: columns.baseAddress, denseBegin: 1, denseEnd: width, stride: stride)
            return self.result(output) { body(row, image, other, $0) }
          }
        }
      )
    }
    let taps = kernelHeight * kernelWidth * channels
    return [
      kernel("ctk_depthwise_row", from: taps, to: width * channels) { row, image, kernel, out in
        let epilogue = CTKEpilogue(
          factor: kernel.pointer, offset: image.pointer, residual: image.pointer,
          isRectified: true)
        ctk_depthwise_row(row, image.pointer, kernel.pointer, epilogue, out)
      },
      kernel("ctk_depthwise_kernel_gradient", from: width * channels, to: taps) {
        row, image, gradient, out in
        ctk_depthwise_kernel_gradient(row, image.pointer, gradient.pointer, 3, channels, out)
      },
    ]
  }

  private let schemes = [
    ctk_winograd3, ctk_winograd4, ctk_winograd5, ctk_winograd6, ctk_winograd_strided3,
    ctk_winograd_strided4,
  ]

  /// The six transforms of a scheme, for two images whose tiles reach over their borders.
  private func transforms(of scheme: CTKWinogradScheme) -> [(name: String, run: () -> [Float])] {
    let (channels, tiles) = (16, 8)
    let side = 2 * scheme.extent * scheme.stride - 1
    let images = CTKWinogradImages(
      height: side, width: side, channels: channels, top: 1, left: 1, down: 2, across: 2)
    let extent = 2 * scheme.extent - 1
    let results = CTKWinogradImages(
      height: extent, width: extent, channels: channels, top: 0, left: 0, down: 2, across: 2)
    let (pixels, outputs) = (2 * side * side * channels, 2 * extent * extent * channels)
    let last = scheme.points - 1
    let size = { (size: Int) in
      ctk_winograd_phase_plane(
        scheme.format, scheme.stride, scheme.points, last, last, size) + size
    }
    let layout = CTKWinogradWeightLayout(outputs: 16, inputs: 8, panel: 16, isForOutputs: true)
    func buffer(_ numbers: Floats) -> CTKWinogradBuffer {
      CTKWinogradBuffer(numbers: numbers, first: 0, capacity: tiles)
    }
    func kernel(
      _ name: String, from input: Int, to output: Int, _ body: @escaping (Floats, Floats) -> Void
    ) -> (name: String, run: () -> [Float]) {
      (
        "\(name) \(scheme.stride) \(scheme.extent)",
        {
          var stream = RandomStream(seed: 12)
          var source = Tensor.normal([input], using: &stream)
          return self.result(output) { out in source.mutate { body($0, out) } }
        }
      )
    }
    return [
      kernel("transform_inputs", from: pixels, to: size(tiles * channels)) {
        scheme.inputs(
          images, Numbers($0).layout, CTKWinogradNormalization(), 0, tiles, buffer($1))
      },
      kernel("transform_inputs normalized", from: pixels, to: size(tiles * channels)) {
        let normalization = CTKWinogradNormalization(
          affine: CTKAffine(factor: $0, offset: $0 + 2 * channels), imagesPerSample: 1,
          isRectified: true)
        scheme.inputs(images, Numbers($0).layout, normalization, 0, tiles, buffer($1))
      },
      kernel("transform_input_gradients", from: size(tiles * channels), to: pixels) {
        scheme.inputGradients(images, buffer($0), 0, tiles, false, $1)
      },
      kernel("transform_outputs", from: size(tiles * channels), to: outputs) {
        let epilogue = CTKEpilogue(
          factor: $0, offset: $0 + channels, residual: $0, isRectified: true)
        scheme.outputs(
          results, buffer($0), 0, tiles, epilogue, MutableNumbers($1).layout)
      },
      kernel("transform_output_gradients", from: outputs, to: size(tiles * channels)) {
        scheme.outputGradients(results, Numbers($0).layout, 0, tiles, buffer($1))
      },
      kernel("transform_weights", from: 16 * 9 * 8, to: size(16 * 8)) {
        scheme.weights(layout, $0, 0, 16, $1)
      },
      kernel("transform_weight_gradients", from: size(16 * 8), to: 16 * 9 * 8) {
        scheme.weightGradients(layout, $0, 0, 16, $1)
      },
    ]
  }

  private func result(_ count: Int, _ body: (Floats) -> Void) -> [Float] {
    Tensor([count]) { out in
      out.update(repeating: 0, count: count)
      body(out)
    }.scalars
  }
}
