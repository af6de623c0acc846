// One import is enough to build a network, wrap it and train it.
@_exported import Nets
@_exported import Tensor
