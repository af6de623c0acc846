import Tensor
import XCTest

@testable import Nets

final class StructureTests: XCTestCase {
  func testFlattenIsInTorchsOrder() {
    // Pixel (y, x) of channel c is 100 c + 10 y + x; torch has the channels outermost.
    let image = Tensor(shape: [1, 2, 3, 2]) { out in
      for index in out.indices {
        out[index] = Float(100 * (index % 2) + 10 * (index / 6) + index / 2 % 3)
      }
    }
    XCTAssertEqual(Flatten()(image).scalars, [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112])
    XCTAssertEqual(Flatten()(.zeros([2, 1, 1, 5])).shape, [2, 5])
    XCTAssertEqual(Flatten()(.zeros([2, 5])).shape, [2, 5])
  }

  func testDropoutRepeatsWithItsStream() {
    let x = Tensor.ones([1_000])
    let (first, second) = (
      Dropout(0.25, using: RandomStream(seed: 1)), Dropout(0.25, using: RandomStream(seed: 1))
    )
    let y = first(x).scalars
    XCTAssertEqual(y, second(x).scalars)
    XCTAssertNotEqual(y, first(x).scalars)
    XCTAssertEqual(Set(y), [0, 1 / 0.75 as Float])
    XCTAssertEqual(Float(y.filter { $0 == 0 }.count), 250, accuracy: 60)
    first.eval()
    XCTAssertEqual(first(x).scalars, x.scalars)
  }

  func testIdentityAndLambda() {
    XCTAssertEqual(Identity()(Tensor([1, 2])).scalars, [1, 2])
    XCTAssertEqual(Lambda { $0 * 3 }(Tensor([1, 2])).scalars, [3, 6])
  }
}
