import Nets
import Tensor

/// The small networks behind an encoder.
public enum Heads {
  /// BYOL's projector and predictor: linear, batch norm, ReLU, linear (Grill et al., 2020).
  public static func byol(_ inputs: Int, hidden: Int, outputs: Int) -> MLP {
    MLP([inputs, hidden, outputs], batchNorm: true)
  }

  /// BYOL's projector with a batch norm without affine parameters at its end, as SimSiam and MoCo
  /// v3 have it (Chen, Xie and He, 2021, section 5): linear layers without bias, each with batch
  /// norm, ReLU between.
  public static func byolNormalized(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden)
      ReLU()
      Linear(hidden, outputs, bias: false)
      BatchNorm(outputs, affine: false)
    }
  }

  /// SimSiam's projector: three linear layers without bias, each with batch norm, the last without
  /// affine parameters; ReLU between (Chen and He, 2021, section 3).
  public static func simSiamProjector(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden)
      ReLU()
      normalized(hidden, hidden)
      ReLU()
      Linear(hidden, outputs, bias: false)
      BatchNorm(outputs, affine: false)
    }
  }

  /// SimSiam's predictor: a bottleneck of linear without bias, batch norm, ReLU, linear.
  public static func simSiamPredictor(_ inputs: Int, hidden: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden)
      ReLU()
      Linear(hidden, inputs)
    }
  }

  /// SimCLR's projector of two layers: linear, batch norm, ReLU, linear, batch norm, as lightly and
  /// AI Summer have it.
  ///
  /// Linear layers in front of a batch norm have no bias, which would be subtracted at once.
  public static func simCLR(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden)
      ReLU()
      normalized(hidden, outputs)
    }
  }

  /// SimCLR's projector of three layers, as Google's code has it: each linear without bias and with
  /// batch norm, the last norm with a scale and no bias; ReLU between.
  public static func simCLRThreeLayer(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    let last = BatchNorm(outputs)
    last.bias?.isTrainable = false
    return Sequential {
      normalized(inputs, hidden)
      ReLU()
      normalized(hidden, hidden)
      ReLU()
      Linear(hidden, outputs, bias: false)
      last
    }
  }

  /// NNCLR's projector: three linear layers, each with batch norm; ReLU between (Dwibedi et al.,
  /// 2021, section 4.1). Its predictor is ``simSiamPredictor(_:hidden:)`` with a hidden layer of
  /// 4,096.
  public static func nnclr(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden)
      ReLU()
      normalized(hidden, hidden)
      ReLU()
      normalized(hidden, outputs)
    }
  }

  /// The projector of Barlow Twins: three linear layers without bias; batch norm and ReLU behind
  /// the first two (Zbontar et al., 2021, section 2.2).
  public static func barlowTwins(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden)
      ReLU()
      normalized(hidden, hidden)
      ReLU()
      Linear(hidden, outputs, bias: false)
    }
  }

  /// The projector, also called expander, of VICReg: that of Barlow Twins with biases in front of
  /// the batch norms, as in the authors' code (Bardes et al., 2022, section 4.2).
  public static func vicReg(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden, bias: true)
      ReLU()
      normalized(hidden, hidden, bias: true)
      ReLU()
      Linear(hidden, outputs, bias: false)
    }
  }

  /// LeJEPA's projector: linear layers without bias, batch norm and ReLU, twice, and a linear layer,
  /// as lightly and the authors have it (Balestriero and LeCun, 2025).
  public static func leJEPA(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      normalized(inputs, hidden)
      ReLU()
      normalized(hidden, hidden)
      ReLU()
      Linear(hidden, outputs)
    }
  }

  /// DINO's projector in front of its ``Prototypes``: linear, GELU, linear, GELU, linear, with weights
  /// of deviation 0.02 and biases of zero (Caron et al., 2021).
  ///
  /// With batch norm, hidden layers have no bias and a norm each, as in lightly's.
  public static func dino(
    _ inputs: Int, hidden: Int, outputs: Int, batchNorm: Bool = false
  ) -> Sequential {
    var stream = DefaultGenerator.current.split()
    func layer(_ inputs: Int, _ outputs: Int, bias: Bool = true) -> Linear {
      let layer = Linear(inputs, outputs, bias: bias)
      layer.weight.value = .normal(
        [outputs, inputs], standardDeviation: 0.02, using: &stream)
      layer.bias?.value = .zeros([outputs])
      return layer
    }
    func hiddenLayer(_ inputs: Int) -> [any Module] {
      let linear = layer(inputs, hidden, bias: !batchNorm)
      return batchNorm ? [linear, BatchNorm(hidden), GELU()] : [linear, GELU()]
    }
    return Sequential(hiddenLayer(inputs) + hiddenLayer(hidden) + [layer(hidden, outputs)])
  }

  /// A linear layer and its norm.
  private static func normalized(_ inputs: Int, _ outputs: Int, bias: Bool = false) -> [any Module]
  {
    [Linear(inputs, outputs, bias: bias), BatchNorm(outputs)]
  }
}
