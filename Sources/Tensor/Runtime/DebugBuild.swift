import Foundation

/// A build without optimization, in which all that computes is slow.
package enum DebugBuild {
  /// Says so on standard error, once, if this is one.
  package static func warn() { _ = warning }

  private static let warning: Void = {
    #if DEBUG
      let text =
        "warning: this is a debug build of the package, which is 20 to 40 times slower than a release "
        + "build; build with -c release\n"
      FileHandle.standardError.write(Data(text.utf8))
    #endif
  }()
}
