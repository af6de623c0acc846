import Tensor
import XCTest

/// Numbers from torch 2.x, where conventions differ between libraries. Images are written in
/// torch's order of axes above the numbers and have one image and one channel here.
final class TorchValueTests: XCTestCase {
  // x = torch.arange(12.).reshape(1, 1, 3, 4) ** 2 / 10
  private let ramp = (square(Tensor.arange(12)) / 10).reshaped([1, 3, 4, 1])

  func testBilinearResize() {
    // F.interpolate(x, size=(5, 2), mode="bilinear", align_corners=False)
    assertClose(
      resized(ramp, to: [5, 2]),
      [0.05, 0.65, 0.85, 2.09, 2.05, 4.25, 5.17, 8.33, 7.25, 11.05])
  }

  func testNearestResize() {
    // F.interpolate(x, size=(2, 7), mode="nearest")
    assertClose(
      resized(ramp, to: [2, 7], interpolation: .nearest),
      [0, 0, 0.1, 0.1, 0.4, 0.4, 0.9, 1.6, 1.6, 2.5, 2.5, 3.6, 3.6, 4.9])
  }

  func testGELU() {
    // F.gelu(torch.tensor([-3., -1., -0.1, 0., 0.5, 2., 4.]))
    assertClose(
      gelu(Tensor([-3, -1, -0.1, 0, 0.5, 2, 4])),
      [-0.0040502, -0.1586553, -0.0460172, 0, 0.3457312, 1.9544997, 3.9998736])
  }

  func testActivations() {
    // F.elu(torch.tensor([-2., -.5, 1.])), F.silu(torch.tensor([-2., .5, 3.])),
    // F.softplus(torch.tensor([-2., .5, 30.]))
    assertClose(elu(Tensor([-2, -0.5, 1])), [-0.8646647, -0.3934693, 1])
    assertClose(silu(Tensor([-2, 0.5, 3])), [-0.2384058, 0.3112297, 2.8577225])
    assertClose(softplus(Tensor([-2, 0.5, 30])), [0.126928, 0.974077, 30])
  }

  func testCrossEntropy() {
    let logits = Tensor([1, 2, 3, -1, 0.5, 0, 10, -10, 2], shape: [3, 3])
    // F.cross_entropy(logits, torch.tensor([2, 0, 1]))
    assertClose(crossEntropy(logits, [2, 0, 1]), [7.504024])
    // F.cross_entropy(logits, torch.tensor([[.1, .2, .7], [.3, .3, .4], [0., 1., 0.]]))
    let targets = Tensor([0.1, 0.2, 0.7, 0.3, 0.3, 0.4, 0, 1, 0], shape: [3, 3])
    assertClose(crossEntropy(logits, probabilities: targets), [7.3540244])
  }

  func testBatchNorm() {
    // bn = torch.nn.BatchNorm1d(2); bn(torch.tensor([[1., 2.], [3., -1.], [4., .5], [0., 7.]]))
    let x = Tensor([1, 2, 3, -1, 4, 0.5, 0, 7], shape: [4, 2])
    let (output, mean, variance) = batchNorm(x)
    assertClose(
      output,
      [
        -0.6324543, -0.0415586, 0.6324543, -1.038964, 1.2649086, -0.5402613, -1.2649086, 1.6207838,
      ])
    // bn.running_mean, bn.running_var: a tenth of the way from 0 and 1, the variance unbiased
    assertClose(mean * 0.1, [0.2, 0.2125])
    assertClose(variance * (4.0 / 3) * 0.1 + 0.9, [1.2333333, 2.10625])
    // x.var(0)
    assertClose(x.variance(axes: [0], correction: 1), [3.3333333, 12.0625])
  }

  func testGroupNorm() {
    // F.group_norm(torch.arange(8.).reshape(1, 4, 2) ** 2, 2)
    let x = square(Tensor.arange(8)).reshaped([1, 4, 2]).permuted([0, 2, 1])
    assertClose(
      groupNorm(x, groups: 2).permuted([0, 2, 1]),
      [
        -0.9999995, -0.7142854, 0.1428571, 1.5714278, -1.2561833, -0.5267866, 0.3646984, 1.4182715,
      ])
  }

  func testLayerNorm() {
    // F.layer_norm(torch.tensor([[1., 2., 4., 8.]]), (4,))
    assertClose(
      layerNorm(Tensor([1, 2, 4, 8], shape: [1, 4])),
      [-1.0257546, -0.6527529, 0.0932504, 1.5852571])
  }

  func testUnitNorm() {
    // F.normalize(torch.tensor([[3., 4.], [0., 0.]]))
    assertClose(l2Normalized(Tensor([3, 4, 0, 0], shape: [2, 2])), [0.6, 0.8, 0, 0])
  }

  func testMaxPoolPaddingNeverWins() {
    // F.max_pool2d(-torch.arange(1., 17.).reshape(1, 1, 4, 4), 3, 2, 1)
    let x = (-(Tensor.arange(16) + 1)).reshaped([1, 4, 4, 1])
    assertClose(maxPool(x, window: 3, stride: 2, padding: 1), [-1, -2, -5, -6])
  }

  func testAveragePoolCountsThePadding() {
    // F.avg_pool2d(-torch.arange(1., 17.).reshape(1, 1, 4, 4), 3, 2, 1)
    let x = (-(Tensor.arange(16) + 1)).reshaped([1, 4, 4, 1])
    assertClose(
      averagePool(x, window: 3, stride: 2, padding: 1),
      [-1.5555556, -3.3333333, -6.3333333, -11])
  }

  func testConvolutionIsACorrelation() {
    // F.conv2d(torch.arange(16.).reshape(1, 1, 4, 4), torch.arange(4.).reshape(1, 1, 2, 2),
    //   stride=2, padding=1)
    let x = Tensor.arange(16).reshaped([1, 4, 4, 1])
    assertClose(
      convolution(x, Tensor.arange(4).reshaped([1, 2, 2, 1]), stride: 2, padding: 1),
      [0, 8, 6, 28, 54, 22, 12, 14, 0])
  }

  func testTransposedConvolutionWithOutputPadding() {
    // F.conv_transpose2d(torch.arange(1., 5.).reshape(1, 1, 2, 2),
    //   torch.arange(1., 10.).reshape(1, 1, 3, 3), stride=2, padding=1, output_padding=1)
    let x = (Tensor.arange(4) + 1).reshaped([1, 2, 2, 1])
    let weight = (Tensor.arange(9) + 1).reshaped([1, 3, 3, 1])
    assertClose(
      transposedConvolution(x, weight, stride: 2, padding: 1, outputPadding: 1),
      [5, 14, 10, 12, 14, 36, 24, 30, 15, 34, 20, 24, 24, 55, 32, 36])
  }

  private func assertClose(
    _ found: Tensor, _ expected: [Float], file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertEqual(found.elementCount, expected.count, file: file, line: line)
    for (found, expected) in zip(found.scalars, expected) {
      XCTAssertEqual(
        found, expected, accuracy: 1e-5 * max(1, expected.magnitude), file: file, line: line)
    }
  }
}
