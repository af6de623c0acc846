import Foundation

/// Numbers as people read them.
enum Figures {
  /// Three digits that count, or all of a whole number's.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "not a number" }
    if value == 0 { return "0" }
    let size = abs(value)
    if size >= 1e7 { return String(format: "%.2e", value) }
    if size >= 1_000 || (size >= 10 && value == value.rounded()) { return grouped(value) }
    if size >= 100 { return String(format: "%.0f", value) }
    if size < 1e-3 { return String(format: "%.3g", value) }
    return String(format: size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f", value)
  }

  /// 12345.6 as "12,346".
  static func grouped(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var digits = String(format: "%.0f", abs(value))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value <= -0.5 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  /// 0.123 as "12.3 %".
  static func percent(_ share: Double) -> String {
    guard share.isFinite else { return "not a number" }
    return String(format: abs(share) < 0.1 ? "%.1f %%" : "%.0f %%", 100 * share)
  }

  /// 75 seconds as "1 min 15 s".
  static func time(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e12 else { return "not a number" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    let all = Int(seconds.rounded())
    let (hours, minutes, rest) = (all / 3_600, all / 60 % 60, all % 60)
    if hours > 0 { return "\(grouped(Double(hours))) h \(minutes) min" }
    return minutes > 0 ? "\(minutes) min \(rest) s" : "\(rest) s"
  }

  /// "1 picture", "2 pictures".
  static func count(_ count: Int, _ noun: String) -> String {
    "\(grouped(Double(count))) \(noun)\(count == 1 ? "" : "s")"
  }
}
