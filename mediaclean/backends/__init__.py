"""Engines and detectors: the only place that imports torch, onnxruntime, demucs and webrtcvad."""
