// What the names of this module's interface need: errors of files, and images to write.
@_exported import Files
@_exported import Images
