import CTensorKernels

/// Runs `body` under each ISA of this processor, the best one first.
func forEachISA(_ body: (CTKISA) -> Void) {
  defer { ctk_set_max_isa(CTKISAAVX512) }
  for isa in [CTKISAAVX512, CTKISAAVX2, CTKISABaseline] {
    ctk_set_max_isa(isa)
    if ctk_isa() == isa { body(isa) }
  }
}
