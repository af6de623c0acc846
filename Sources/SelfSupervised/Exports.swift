// One import is enough to build a network, wrap it and train it.
@_exported import Files
@_exported import Images
@_exported import Nets
@_exported import Tensor
