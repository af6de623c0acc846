internal import COpenBLAS
import Foundation

/// The functions that not every BLAS has; nil where the library in use lacks them.
enum OpenBLAS {
  typealias Text = @convention(c) @Sendable () -> UnsafePointer<CChar>?
  typealias Setting = @convention(c) @Sendable (Int32) -> Void
  typealias Action = @convention(c) @Sendable () -> Void
  typealias Eigenvalues =
    @convention(c) @Sendable (
      _ job: UnsafePointer<CChar>, _ triangle: UnsafePointer<CChar>, _ size: UnsafePointer<blasint>,
      _ matrix: UnsafeMutablePointer<Float>, _ stride: UnsafePointer<blasint>,
      _ eigenvalues: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>,
      _ scratchSize: UnsafePointer<blasint>, _ info: UnsafeMutablePointer<blasint>
    ) -> Void

  // The types are those of OpenBLAS's cblas.h.
  static let setThreadCount = own("openblas_set_num_threads").map {
    unsafeBitCast($0, to: Setting.self)
  }
  static let config = own("openblas_get_config").map { unsafeBitCast($0, to: Text.self) }
  static let coreName = own("openblas_get_corename").map { unsafeBitCast($0, to: Text.self) }

  /// Ends and starts the choice of kernels; an OpenBLAS built for one core has none.
  static let restart: (quit: Action, start: Action)? = {
    guard let quit = own("gotoblas_dynamic_quit"), let start = own("gotoblas_dynamic_init")
    else { return nil }
    return (unsafeBitCast(quit, to: Action.self), unsafeBitCast(start, to: Action.self))
  }()

  /// LAPACK's eigenvalues of a symmetric matrix, ssyev, which OpenBLAS holds and the reference BLAS
  /// leaves to a library of its own.
  static let eigenvalues: Eigenvalues? = {
    let found = address("ssyev_") ?? address("ssyev_", in: dlopen("liblapack.so.3", RTLD_NOW))
    return found.map { unsafeBitCast($0, to: Eigenvalues.self) }
  }()

  /// A function of the library whose products are in use, for another one may be loaded in front.
  private static func own(_ name: String) -> UnsafeMutableRawPointer? {
    guard let function = address(name), let product = address("cblas_sgemm"),
      let library = library(of: function), library == self.library(of: product)
    else { return nil }
    return function
  }

  private static func address(
    _ name: String, in library: UnsafeMutableRawPointer? = dlopen(nil, RTLD_NOW)
  ) -> UnsafeMutableRawPointer? {
    library.flatMap { dlsym($0, name) }
  }

  private static func library(of function: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    // Glibc's module hides dladdr. It fills a Dl_info: the file, its base, a symbol, its address.
    typealias Search =
      @convention(c) (UnsafeRawPointer, UnsafeMutablePointer<UnsafeMutableRawPointer?>) -> Int32
    guard let search = address("dladdr").map({ unsafeBitCast($0, to: Search.self) }) else {
      return nil
    }
    var info = [UnsafeMutableRawPointer?](repeating: nil, count: 4)
    return search(function, &info) == 0 ? nil : info[1]
  }
}
