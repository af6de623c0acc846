import Foundation

/// Runs `body` on a new thread; false if the system has none left, about which Foundation's `Thread`
/// says nothing.
package func startThread(named name: String, stackSize: Int, _ body: @escaping @Sendable () -> Void)
  -> Bool
{
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setstacksize(&attributes, stackSize)
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
  #if os(Linux)
    var thread = pthread_t()
  #else
    var thread: pthread_t?
  #endif
  let status = pthread_create(&thread, &attributes, runThread, start.toOpaque())
  if status != 0 { start.release() }
  return status == 0
}

private final class ThreadStart: Sendable {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

#if os(Linux)
  private func runThread(_ start: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let start { run(start) }
    return nil
  }
#else
  private func runThread(_ start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    run(start)
    return nil
  }
#endif

private func run(_ start: UnsafeMutableRawPointer) {
  let start = Unmanaged<ThreadStart>.fromOpaque(start).takeRetainedValue()
  Thread.current.name = start.name
  start.body()
}
