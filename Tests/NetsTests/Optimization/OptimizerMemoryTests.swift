import Tensor
import XCTest

@testable import Nets

final class OptimizerMemoryTests: XCTestCase {
  /// What an optimizer remembers stays where it is: a copy at each step would cost more than the step.
  func testChangesInPlace() {
    var memory = OptimizerMemory<Velocity>()
    let parameter = Parameter(.zeros([100]))
    var places: [UnsafeMutablePointer<Float>] = []
    for step in 1...3 {
      memory.change(parameter) { velocity, isNew in
        XCTAssertEqual(isNew, step == 1)
        velocity.value.mutate { numbers in
          numbers[0] += 1
          places.append(numbers)
        }
        XCTAssertEqual(velocity.value[0].item, Float(step))
      }
    }
    XCTAssertEqual(Set(places).count, 1)
  }
}
