// Networks read and write files, and throw what is wrong with them.
@_exported import Files
