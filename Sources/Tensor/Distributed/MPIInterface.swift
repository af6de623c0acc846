import Files
import Foundation

/// How a family of MPI libraries encodes what the standard leaves open.
///
/// Functions have the same names and arguments in all; handles and levels have not.
struct MPIInterface: Sendable {
  /// A handle of C's type `MPI_Comm` and the like.
  enum Handle: Sendable {
    /// The address of a data symbol.
    case symbol(String)
    /// An integer or a small pointer: both travel in one register.
    case number(UInt)
  }

  /// What the libraries are called.
  let name: String
  /// The Debian package.
  let package: String
  let world: Handle
  let byte: Handle
  let errorsReturn: Handle
  /// Calls by one thread at a time, and by several at once.
  let serialized: Int32
  let multiple: Int32

  static let openMPI = MPIInterface(
    name: "Open MPI", package: "openmpi-bin libopenmpi3",
    world: .symbol("ompi_mpi_comm_world"), byte: .symbol("ompi_mpi_byte"),
    errorsReturn: .symbol("ompi_mpi_errors_return"), serialized: 2, multiple: 3)

  static let mpich = MPIInterface(
    name: "MPICH", package: "mpich libmpich12", world: .number(0x4400_0000),
    byte: .number(0x4c00_010d), errorsReturn: .number(0x5400_0001), serialized: 2, multiple: 3)

  /// The interface that the fifth version of the standard fixes.
  static let standard = MPIInterface(
    name: "MPI 5", package: "libmpi-abi1", world: .number(0x101),
    byte: .number(0x247), errorsReturn: .number(0x143), serialized: 2_048, multiple: 4_096)

  /// The interface of a library.
  static func of(_ library: DynamicLibrary) -> MPIInterface {
    if library.has("ompi_mpi_comm_world") { return openMPI }
    let isStandard = library.name.contains("mpi_abi") && library.has("MPI_Abi_get_version")
    return isStandard ? standard : mpich
  }
}

/// The launcher's words to a process that it has started.
struct MPILaunch: Sendable {
  /// Whose launcher it was, as far as it says.
  let interface: MPIInterface?
  /// How many processes there are; nil if it does not say.
  let size: Int?

  /// What the environment says; nil of a process that was started alone.
  static var current: MPILaunch? { MPILaunch(ProcessInfo.processInfo.environment) }

  init?(_ environment: [String: String]) {
    if let size = environment["OMPI_COMM_WORLD_SIZE"].flatMap({ Int($0) }) {
      (self.interface, self.size) = (.openMPI, size)
    } else if let size = environment["PMI_SIZE"].flatMap({ Int($0) }) {
      (self.interface, self.size) = (.mpich, size)
    } else if environment["PMIX_RANK"] != nil {
      (interface, size) = (nil, nil)
    } else {
      return nil
    }
    if size == 1 { return nil }
  }

  private static let libraries = [
    "libmpi.so.40", "libmpi.so", "libmpich.so.12", "libmpi_abi.so.1", "libmpi.dylib",
  ]

  /// The library that the environment names, or the first there is, beginning with the launcher's.
  func openLibrary() throws -> DynamicLibrary {
    let package = (interface ?? .openMPI).package
    if let named = ProcessInfo.processInfo.environment["TENSOR_MPI"], !named.isEmpty {
      return try Self.open(named, package)
    }
    let isMPICH = interface?.name == MPIInterface.mpich.name
    let names = isMPICH ? Self.libraries.filter { !$0.hasPrefix("libmpi.") } : Self.libraries
    let all = names + Self.libraries.filter { !names.contains($0) }
    for name in all {
      if let library = try? Self.open(name, package) { return library }
    }
    let count = size.map { "these \($0) processes" } ?? "this process"
    throw ProcessGroupError(
      "a launcher has started \(count) to work together, which needs the library \(all[0]), and it "
        + "could not be opened; install it with: apt-get install \(package)")
  }

  private static func open(_ name: String, _ package: String) throws -> DynamicLibrary {
    do {
      return try DynamicLibrary(name, package: package, isGlobal: true)
    } catch {
      throw ProcessGroupError("\(error)")
    }
  }
}
