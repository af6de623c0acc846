internal import CTensorKernels

/// x · Φ(x) of each element, without record.
func geluMap(_ x: Tensor) -> Tensor {
  defer { extendLifetime(x.storage) }
  let source = x.pointer
  return Tensor(x.shape) { out in
    Parallel.forRanges(x.elementCount, grain: Tuning.parallelGrain / 4) { range in
      ctk_gelu(source + range.lowerBound, out + range.lowerBound, range.count)
    }
  }
}

/// gradient · (Φ(x) + x · φ(x)) of each element.
func geluGradient(_ gradient: Tensor, _ x: Tensor) -> Tensor {
  defer { extendLifetime((gradient.storage, x.storage)) }
  let (g, source) = (gradient.pointer, x.pointer)
  return Tensor(x.shape) { out in
    Parallel.forRanges(x.elementCount, grain: Tuning.parallelGrain / 4) { range in
      let start = range.lowerBound
      ctk_gelu_gradient(g + start, source + start, out + start, range.count)
    }
  }
}
