import XCTest

@testable import Tensor

/// Scopes of options: what they change, and that they restore it.
final class ComputeOptionsTests: XCTestCase {
  private var precision: MatmulPrecision { ComputeOptions.current.precision }

  func testScopesChangeTheirOwnOption() {
    XCTAssertTrue(ComputeOptions.current.isRecording)
    withoutGradients {
      withMatmulPrecision(.bfloat16) {
        withConvolutionAlgorithm(.direct) {
          let options = ComputeOptions.current
          XCTAssertFalse(options.isRecording)
          XCTAssertEqual(options.precision, .bfloat16)
          XCTAssertEqual(options.convolution, .direct)
        }
        XCTAssertEqual(ComputeOptions.current.convolution, .automatic)
        withMatmulPrecision(.float32) { XCTAssertEqual(precision, .float32) }
        XCTAssertEqual(precision, .bfloat16)
      }
      XCTAssertEqual(precision, .float32)
    }
    XCTAssertTrue(ComputeOptions.current.isRecording)
  }

  /// A loss is exact, a module that it calls is not, and a loss inside of that module is again.
  func testModulesRestoreThePrecisionOutsideOfExactProducts() {
    withMatmulPrecision(.bfloat16) {
      withModulePrecision { XCTAssertEqual(precision, .bfloat16) }
      withExactProducts {
        XCTAssertEqual(precision, .float32)
        withModulePrecision {
          XCTAssertEqual(precision, .bfloat16)
          withModulePrecision { XCTAssertEqual(precision, .bfloat16) }
          withExactProducts {
            XCTAssertEqual(precision, .float32)
            withModulePrecision { XCTAssertEqual(precision, .bfloat16) }
          }
        }
        withExactProducts {
          XCTAssertEqual(precision, .float32)
          withModulePrecision { XCTAssertEqual(precision, .bfloat16) }
        }
        XCTAssertEqual(precision, .float32)
      }
      XCTAssertEqual(precision, .bfloat16)
    }
    withExactProducts { withModulePrecision { XCTAssertEqual(precision, .float32) } }
  }

  /// Whoever asks for a precision inside of a loss gets it for modules too.
  func testAnExplicitPrecisionHoldsForModules() {
    withMatmulPrecision(.bfloat16) {
      withExactProducts {
        withMatmulPrecision(.float32) {
          withModulePrecision { XCTAssertEqual(precision, .float32) }
        }
      }
    }
  }

  func testOtherOptionsPassThroughExactProducts() {
    withoutGradients {
      withExactProducts {
        XCTAssertFalse(ComputeOptions.current.isRecording)
        withModulePrecision { XCTAssertFalse(ComputeOptions.current.isRecording) }
      }
    }
  }

  func testSmallProductsAreNotRounded() {
    withMatmulPrecision(.bfloat16) {
      let options = ComputeOptions.current
      XCTAssertEqual(options.precision(m: 15, n: 64, k: 64), .float32)
      XCTAssertEqual(options.precision(m: 64, n: 15, k: 64), .float32)
      XCTAssertEqual(options.precision(m: 64, n: 64, k: 15), .float32)
      XCTAssertEqual(
        options.precision(m: 16, n: 16, k: 16), MatmulPrecision.hasBFloat16 ? .bfloat16 : .float32)
    }
  }
}
