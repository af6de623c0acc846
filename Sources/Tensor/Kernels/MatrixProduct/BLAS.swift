internal import COpenBLAS
import Foundation

/// The package's one door to OpenBLAS: single-threaded products, called from the package's threads.
enum BLAS {
  /// Selects the core once, before the first product; our own threads replace OpenBLAS's.
  private static let core: CoreSelection = {
    openblas_set_num_threads(1)
    return CoreSelection.selectBest(reading: coreName)
  }()

  /// The kernels in use, before and after selection.
  static var coreSelection: CoreSelection { core }

  static var version: String { String(cString: openblas_get_config()) }

  private static func coreName() -> String { String(cString: openblas_get_corename()) }

  /// c[m, n] = alpha · op(a)[m, k] · op(b)[k, n] + beta · c, row-major with leading dimensions.
  @inline(__always)
  static func gemm(
    m: Int, n: Int, k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, stride lda: Int, transposingA: Bool = false,
    _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool = false,
    beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride ldc: Int
  ) {
    _ = core
    cblas_sgemm(
      CblasRowMajor, transposingA ? CblasTrans : CblasNoTrans,
      transposingB ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), alpha,
      a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
  }

  /// The eigenvalues of a symmetric matrix [size, size], which is overwritten, in ascending order.
  static func symmetricEigenvalues(of matrix: inout [Float], size: Int) -> [Float] {
    var values = [Float](repeating: 0, count: size)
    var stride = blasint(size)
    // LAPACK's best block is 32 columns; two more hold the reflections.
    var scratch = [Float](repeating: 0, count: 34 * size)
    var scratchSize = blasint(scratch.count)
    var info: blasint = 0
    _ = core
    ssyev_("N", "U", &stride, &matrix, &stride, &values, &scratch, &scratchSize, &info)
    precondition(info == 0, "eigenvalues need finite numbers; LAPACK's ssyev gave \(info)")
    return values
  }

  /// The product of two square matrices by whatever kernels are in use: the selection's own check.
  static func unselectedGemm(size: Int, _ a: [Float], _ b: [Float], into c: inout [Float]) {
    let side = blasint(size)
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, side, side, side, 1, a, side, b, side, 0, &c, side)
  }
}
