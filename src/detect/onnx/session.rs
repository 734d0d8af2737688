//! One model on one thread: the session, its input tensor, and its raw outputs.

use ort::{
    ep,
    session::{
        Session as OrtSession, SessionInputValue, SessionOutputs,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
    value::{Tensor as OrtTensor, TensorElementType, ValueType},
};

use super::Runtime;
use crate::{
    config::Provider,
    detect::{
        DetectError, Model,
        description::{Element, Layout},
        outputs::{Tensor, Values},
    },
};

/// A session with its input tensor, which is filled anew for every call.
pub(in crate::detect) struct Session {
    inner: OrtSession,
    model: String,
    input_name: String,
    input: InputTensor,
    target_size: Option<(String, OrtTensor<i64>)>,
}

enum InputTensor {
    U8(OrtTensor<u8>),
    F32(OrtTensor<f32>),
}

/// The input tensor's memory, in the layout of the description.
pub(in crate::detect) enum Input<'a> {
    U8(&'a mut [u8]),
    F32(&'a mut [f32]),
}

impl Session {
    /// Loads `model` into a session of one thread. The provider is the one asked for, or there is an error; operations that it
    /// does not have run on the processor.
    pub(in crate::detect) fn open(
        runtime: &Runtime,
        model: &Model,
        provider: Provider,
    ) -> Result<Self, DetectError> {
        runtime.require(provider)?;
        let inner = build(runtime, model, provider)?;
        check_inputs(&inner, model)?;
        check_outputs(&inner, model)?;
        let input = &model.description().input;
        let (w, h) = (input.size.w as usize, input.size.h as usize);
        let shape = match input.layout {
            Layout::Nhwc => [1, h, w, 3],
            Layout::Nchw => [1, 3, h, w],
        };
        let failed =
            |err: ort::Error| DetectError::Run { model: model.name().to_owned(), why: err.to_string() };
        let len = 3 * w * h;
        let tensor = match input.element {
            Element::U8 => InputTensor::U8(OrtTensor::from_array((shape, vec![0u8; len])).map_err(failed)?),
            Element::F32 => {
                InputTensor::F32(OrtTensor::from_array((shape, vec![0f32; len])).map_err(failed)?)
            }
        };
        let target_size = match &input.target_size {
            None => None,
            Some(name) => {
                let size = vec![i64::from(input.size.w), i64::from(input.size.h)];
                Some((name.clone(), OrtTensor::from_array(([1usize, 2], size)).map_err(failed)?))
            }
        };
        let (model, input_name) = (model.name().to_owned(), input.name.clone());
        Ok(Self { inner, model, input_name, input: tensor, target_size })
    }

    /// The input's memory. What was written stays there until it is overwritten.
    pub(in crate::detect) fn input(&mut self) -> Input<'_> {
        match &mut self.input {
            InputTensor::U8(tensor) => Input::U8(tensor.extract_tensor_mut().1),
            InputTensor::F32(tensor) => Input::F32(tensor.extract_tensor_mut().1),
        }
    }

    /// Runs the model on the input as it stands, and shows `read` the outputs.
    pub(in crate::detect) fn run<T>(
        &mut self,
        read: impl FnOnce(&[Tensor<'_>]) -> T,
    ) -> Result<T, DetectError> {
        let failed = |why: String| DetectError::Run { model: self.model.clone(), why };
        let image: SessionInputValue<'_> = match &self.input {
            InputTensor::U8(tensor) => tensor.into(),
            InputTensor::F32(tensor) => tensor.into(),
        };
        let outputs = match &self.target_size {
            None => self.inner.run(vec![(self.input_name.as_str(), image)]),
            Some((name, size)) => self
                .inner
                .run(vec![(self.input_name.as_str(), image), (name.as_str(), SessionInputValue::from(size))]),
        };
        let outputs = outputs.map_err(|err| failed(err.to_string()))?;
        let tensors = tensors(&outputs).map_err(|err| failed(err.to_string()))?;
        Ok(read(&tensors))
    }
}

/// The outputs that hold numbers of a kind that we know. Others are as good as absent.
fn tensors<'a>(outputs: &'a SessionOutputs<'_>) -> ort::Result<Vec<Tensor<'a>>> {
    let mut tensors = Vec::with_capacity(outputs.len());
    for name in outputs.keys() {
        let Some(value) = outputs.get(name) else { continue };
        let (shape, values): (&[i64], _) = match value.dtype().tensor_type() {
            Some(TensorElementType::Float32) => {
                let (shape, values) = value.try_extract_tensor::<f32>()?;
                (shape, Values::F32(values))
            }
            Some(TensorElementType::Int64) => {
                let (shape, values) = value.try_extract_tensor::<i64>()?;
                (shape, Values::I64(values))
            }
            Some(TensorElementType::Int32) => {
                let (shape, values) = value.try_extract_tensor::<i32>()?;
                (shape, Values::I32(values))
            }
            _ => continue,
        };
        tensors.push(Tensor { name, shape, values });
    }
    Ok(tensors)
}

fn build(runtime: &Runtime, model: &Model, provider: Provider) -> Result<OrtSession, DetectError> {
    let unloadable =
        |err: ort::Error| DetectError::Unloadable { model: model.name().to_owned(), why: err.to_string() };
    let builder = configured(runtime).map_err(unloadable)?;
    let chosen = match provider {
        Provider::Cpu => None,
        Provider::Cuda => Some(ep::CUDA::default().build()),
        Provider::Tensorrt => Some(ep::TensorRT::default().build()),
        Provider::Openvino => Some(ep::OpenVINO::default().with_num_threads(1).build()),
    };
    let mut builder = match chosen {
        None => builder,
        Some(chosen) => builder
            .with_execution_providers([chosen.error_on_failure()])
            .map_err(|err| DetectError::Provider { provider, why: err.to_string() })?,
    };
    builder.commit_from_memory(model.bytes()).map_err(unloadable)
}

/// A worker is one thread, and waits by sleeping: ONNX Runtime's own pool spins, which costs 42 ms of processor time for a
/// call of 1.8 ms at 20 calls a second.
fn configured(runtime: &Runtime) -> ort::Result<SessionBuilder> {
    let builder = OrtSession::builder(runtime.environment())?
        .with_intra_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_parallel_execution(false)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_log_level(ort::logging::LogLevel::Warning)?;
    Ok(builder)
}

fn mismatch(model: &Model, why: String) -> DetectError {
    DetectError::Mismatch { model: model.name().to_owned(), why }
}

fn check_inputs(session: &OrtSession, model: &Model) -> Result<(), DetectError> {
    let declared = &model.description().input;
    let names = || session.inputs().iter().map(|input| input.name()).collect::<Vec<_>>().join(", ");
    let (w, h) = (i64::from(declared.size.w), i64::from(declared.size.h));
    let image_shape = match declared.layout {
        Layout::Nhwc => vec![1, h, w, 3],
        Layout::Nchw => vec![1, 3, h, w],
    };
    let element = match declared.element {
        Element::U8 => TensorElementType::Uint8,
        Element::F32 => TensorElementType::Float32,
    };
    let mut needed = vec![(declared.name.as_str(), element, image_shape)];
    needed.extend(declared.target_size.as_deref().map(|name| (name, TensorElementType::Int64, vec![1, 2])));
    for (name, element, shape) in &needed {
        let Some(input) = session.inputs().iter().find(|input| input.name() == *name) else {
            return Err(mismatch(model, format!("there is no input \"{name}\"; there are: {}", names())));
        };
        let fits = match input.dtype() {
            ValueType::Tensor { ty, shape: there, .. } => {
                // -1 stands for "any".
                ty == element
                    && there.len() == shape.len()
                    && there.iter().zip(shape).all(|(there, want)| *there < 0 || there == want)
            }
            _ => false,
        };
        if !fits {
            let why = format!("input \"{name}\" is {}, where {element} {shape:?} is declared", input.dtype());
            return Err(mismatch(model, why));
        }
    }
    match session.inputs().iter().find(|input| needed.iter().all(|(name, ..)| *name != input.name())) {
        Some(other) => {
            let why = format!("it wants another input, \"{}\", which nothing here can feed", other.name());
            Err(mismatch(model, why))
        }
        None => Ok(()),
    }
}

fn check_outputs(session: &OrtSession, model: &Model) -> Result<(), DetectError> {
    let known = |ty: Option<TensorElementType>| {
        matches!(ty, Some(TensorElementType::Float32 | TensorElementType::Int64 | TensorElementType::Int32))
    };
    for name in model.description().output.tensors() {
        match session.outputs().iter().find(|output| output.name() == name) {
            None => {
                let have =
                    session.outputs().iter().map(|output| output.name()).collect::<Vec<_>>().join(", ");
                return Err(mismatch(model, format!("there is no output \"{name}\"; there are: {have}")));
            }
            Some(output) if !known(output.dtype().tensor_type()) => {
                let why = format!(
                    "output \"{name}\" is {}, which cannot be read: export it as f32",
                    output.dtype()
                );
                return Err(mismatch(model, why));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
