"""What modules of torch compute, in plain numpy, after the formulas of its docs.

Arguments are those of a `state_dict`: names and shapes as the docs give them.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(weights, x, layer="l0", reverse=False):
    """`torch.nn.LSTM`: all outputs of one layer in one direction."""
    suffix = f"_{layer}" + ("_reverse" if reverse else "")
    w = {
        n: weights[n + suffix] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    h = c = np.zeros(w["weight_hh"].shape[1])
    outputs = []
    for step in x[::-1] if reverse else x:
        gates = w["weight_ih"] @ step + w["bias_ih"] + w["weight_hh"] @ h + w["bias_hh"]
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs[::-1] if reverse else outputs)


def gru(weights, x):
    """`torch.nn.GRU` of one layer: all outputs."""
    h = np.zeros(weights["weight_hh_l0"].shape[1])
    outputs = []
    for step in x:
        i_r, i_z, i_n = np.split(
            weights["weight_ih_l0"] @ step + weights["bias_ih_l0"], 3
        )
        h_r, h_z, h_n = np.split(weights["weight_hh_l0"] @ h + weights["bias_hh_l0"], 3)
        r, z = sigmoid(i_r + h_r), sigmoid(i_z + h_z)
        n = np.tanh(i_n + r * h_n)
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs)


def attention(weights, query, key, value, heads):
    """`torch.nn.MultiheadAttention`, one sequence, no mask."""
    if "in_proj_weight" in weights:
        kernels = np.split(weights["in_proj_weight"], 3)
    else:
        kernels = [weights[f"{name}_proj_weight"] for name in "qkv"]
    biases = np.split(weights["in_proj_bias"], 3)
    inputs = (query, key, value)
    q, k, v = (x @ w.T + b for x, w, b in zip(inputs, kernels, biases, strict=True))
    q, k, v = (x.reshape(len(x), heads, -1).swapaxes(0, 1) for x in (q, k, v))
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (scores / scores.sum(-1, keepdims=True)) @ v
    joined = mixed.swapaxes(0, 1).reshape(len(query), -1)
    return joined @ weights["out_proj.weight"].T + weights["out_proj.bias"]


def batch_norm(weights, x, eps=1e-5):
    """`torch.nn.BatchNorm*d` in evaluation, of one example `(channels, *space)`."""
    shape = (-1, *(1,) * (x.ndim - 1))
    mean, var, scale, shift = (
        weights[name].reshape(shape)
        for name in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(var + eps) * scale + shift


def layer_norm(weights, x, eps=1e-5):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * weights["weight"] + weights["bias"]


def conv(weights, x, stride=1, padding=0, groups=1):
    """`torch.nn.Conv2d`: cross-correlation, one image."""
    kernel, bias = weights["weight"], weights["bias"]
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    out, per_group, *taps = kernel.shape
    size = [(x.shape[1 + a] - taps[a]) // stride + 1 for a in (0, 1)]
    y = np.zeros((out, *size))
    for o in range(out):
        first = o // (out // groups) * per_group
        for i, j in np.ndindex(*size):
            at = np.s_[
                first : first + per_group,
                i * stride : i * stride + taps[0],
                j * stride : j * stride + taps[1],
            ]
            y[o, i, j] = (x[at] * kernel[o]).sum() + bias[o]
    return y


def conv_transpose(
    weights, x, stride=1, padding=0, output_padding=0, dilation=1, groups=1
):
    """`torch.nn.ConvTranspose2d`: each input adds its multiple of the kernel."""
    kernel, bias = weights["weight"], weights["bias"]
    inputs, per_group, *taps = kernel.shape
    size = [
        (x.shape[1 + a] - 1) * stride + dilation * (taps[a] - 1) + output_padding + 1
        for a in (0, 1)
    ]
    y = np.zeros((per_group * groups, *size))
    for c in range(inputs):
        first = c // (inputs // groups) * per_group
        for i, j in np.ndindex(*x.shape[1:]):
            for a, b in np.ndindex(*taps):
                at = (i * stride + a * dilation, j * stride + b * dilation)
                y[(np.s_[first : first + per_group], *at)] += (
                    x[c, i, j] * kernel[c, :, a, b]
                )
    rows, columns = (slice(padding, n - padding) for n in size)
    return y[:, rows, columns] + bias[:, None, None]
