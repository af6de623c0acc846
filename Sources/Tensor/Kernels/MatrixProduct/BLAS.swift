internal import COpenBLAS
import Foundation

/// The only caller of OpenBLAS: single-threaded products on the package's threads.
///
/// Any other library with `cblas_sgemm` may take its place when a program is loaded: what OpenBLAS
/// alone has is looked up by name, and LAPACK too.
enum BLAS {
  /// Selects the core once, before the first product. The package's threads replace OpenBLAS's.
  private static let core: CoreSelection = {
    OpenBLAS.setThreadCount?(1)
    return CoreSelection.selectBest(reading: coreName)
  }()

  /// The kernels in use, before and after selection.
  static var coreSelection: CoreSelection { core }

  static var version: String { text(OpenBLAS.config) }

  private static func coreName() -> String { text(OpenBLAS.coreName) }

  private static func text(_ function: OpenBLAS.Text?) -> String {
    function?().map { String(cString: $0) } ?? "unknown"
  }

  /// c = a · b, or += if `accumulating`; zeros if there is nothing to add up.
  static func multiply(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool = false, into c: MatrixDestination
  ) {
    guard a.rows > 0, b.columns > 0 else { return }
    guard a.columns > 0 else {
      guard !accumulating else { return }
      return (0..<a.rows).forEach { row in
        c.from(row: row).pointer.update(repeating: 0, count: b.columns)
      }
    }
    _ = core
    sgemm(a, b, accumulating: accumulating, into: c)
  }

  /// The same by whatever kernels are in use, for the selection's own check.
  @inline(__always)
  static func sgemm(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool = false, into c: MatrixDestination
  ) {
    cblas_sgemm(
      CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
      b.isTransposed ? CblasTrans : CblasNoTrans, blasint(a.rows), blasint(b.columns),
      blasint(a.columns), 1, a.pointer, blasint(a.stride), b.pointer, blasint(b.stride),
      accumulating ? 1 : 0, c.pointer, blasint(c.stride))
  }

  /// The eigenvalues of a symmetric matrix [size, size], which is overwritten, in ascending order.
  static func symmetricEigenvalues(of matrix: inout [Float], size: Int) -> [Float] {
    // LAPACK takes no leading dimension of zero.
    guard size > 0 else { return [] }
    guard let eigenvalues = OpenBLAS.eigenvalues else {
      preconditionFailure(
        "eigenvalues need LAPACK's ssyev, which OpenBLAS or liblapack.so.3 has; found neither "
          + "(on Debian: apt-get install liblapack3)")
    }
    var values = [Float](repeating: 0, count: size)
    var stride = blasint(size)
    // LAPACK's best block is 32 columns; two more hold the reflections.
    var scratch = [Float](repeating: 0, count: 34 * size)
    var scratchSize = blasint(scratch.count)
    var info: blasint = 0
    _ = core
    eigenvalues("N", "U", &stride, &matrix, &stride, &values, &scratch, &scratchSize, &info)
    precondition(info == 0, "eigenvalues need finite numbers; LAPACK's ssyev gave \(info)")
    return values
  }
}
