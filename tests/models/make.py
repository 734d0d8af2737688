#!/usr/bin/env python3
"""Tiny models of every family, and what they must be found to say. Nothing here is shared with Cunkou's code.

Each family's model answers any picture with the same numbers, drawn from a seed; the boxes that follow from them are computed
below by numpy, from the papers' and exporters' definitions. The echo models answer with the means of their input, by
quadrant and channel, which shows whether pixels arrive in the declared layout, order and range.

    pip install numpy onnx
    ./make.py        # writes *.onnx, *.toml and families.json beside itself
"""
import hashlib
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
W, H = 48, 32  # of the network: neither square nor a multiple of every stride, so that nothing can be swapped unseen
PICTURE = (96, 96)
STRIDES = [8, 16, 32]
COUNT = 5
KEPT = {0: ("person", 0.50, 0), 2: ("car", 0.40, 2), 3: ("dog", 0.30, 3), 4: ("truck", 0.45, 2)}
SAME_ABOVE = {0: 0.5, 1: 0.45, 2: 0.6, 3: 0.4}

RNG = np.random.default_rng(20240607)


# --- what a head says, decoded: rows of (l, t, r, b in network pixels) and probabilities [M, COUNT] ---------------------

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def corners(cxcywh):
    c, s = cxcywh[:, :2], cxcywh[:, 2:]
    return np.concatenate([c - s / 2, c + s / 2], axis=1)


def places(offset):
    """Centres [M, 2] and strides [M] of all levels, row by row."""
    xy, step = [], []
    for stride in STRIDES:
        for row in range(-(-H // stride)):
            for column in range(-(-W // stride)):
                xy.append([(column + offset) * stride, (row + offset) * stride])
                step.append(stride)
    return np.array(xy, np.float64), np.array(step, np.float64)


def draw_scores(rows, few=7):
    """Mostly nothing, some sure things; float32 probabilities."""
    scores = RNG.uniform(0.01, 0.2, (rows, COUNT))
    for place in RNG.choice(rows, few, replace=False):
        scores[place, RNG.choice(list(KEPT))] = RNG.uniform(0.35, 0.95)
    scores[0, 0], scores[1, 0] = RNG.uniform(0.6, 0.95, 2)  # neighbours of one class, and of one group
    scores[4, 2], scores[5, 4] = RNG.uniform(0.6, 0.95, 2)
    scores[RNG.integers(rows), 1] = 0.99  # a class that is not kept
    return scores


def draw_boxes(rows):
    """cxcywh in network pixels; some near each other, one leaving the picture."""
    centre = RNG.uniform([8, 4], [W - 8, H - 4], (rows, 2))
    size = RNG.uniform(6, 20, (rows, 2))
    boxes = np.concatenate([centre, size], axis=1)
    boxes[1::4, :2] = boxes[0::4, :2][: len(boxes[1::4])] + 1.0
    boxes[1::4, 2:] = boxes[0::4, 2:][: len(boxes[1::4])] * 1.05
    boxes[2] = [2.0, 2.0, 18.0, 12.0]
    return boxes


# --- expected detections ----------------------------------------------------------------------------------------------

def iou(a, b):
    l, t, r, b_ = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    shared = max(0.0, r - l) * max(0.0, b_ - t)
    area = lambda x: (x[2] - x[0]) * (x[3] - x[1])
    return shared / (area(a) + area(b) - shared)


def expected(boxes, scores, fit):
    """Thresholds, suppression by group, and back to pixels of the picture."""
    hits = []
    for box, row in zip(np.asarray(boxes, np.float64), np.asarray(scores, np.float64)):
        by_group = {}
        for index, (name, threshold, group) in KEPT.items():
            assert abs(row[index] - threshold) > 1e-3, "too near to the threshold to be a test"
            if row[index] >= threshold and row[index] > by_group.get(group, (0,))[0]:
                by_group[group] = (row[index], name)
        hits += [(score, name, group, box) for group, (score, name) in by_group.items()]
    hits.sort(key=lambda hit: -hit[0])
    kept = []
    for hit in hits:
        overlaps = [iou(hit[3], other[3]) for other in kept if other[2] == hit[2]]
        assert all(abs(o - SAME_ABOVE[hit[2]]) > 0.01 for o in overlaps), "too near to the limit to be a test"
        if all(o <= SAME_ABOVE[hit[2]] for o in overlaps):
            kept.append(hit)
    pw, ph = PICTURE
    if fit == "stretch":
        sx, sy, x0, y0 = W / pw, H / ph, 0, 0
    else:
        sx = sy = min(W / pw, H / ph)
        x0 = (W - round(pw * sx)) // 2 if fit == "letterbox-centred" else 0
        y0 = (H - round(ph * sy)) // 2 if fit == "letterbox-centred" else 0
    out = []
    for score, name, _, (l, t, r, b) in kept:
        x = lambda v: float(min(max((v - x0) / sx, 0), pw))
        y = lambda v: float(min(max((v - y0) / sy, 0), ph))
        if x(r) - x(l) > 3 and y(b) - y(t) > 3:
            out.append([name, round(float(score), 5), *(round(v, 3) for v in (x(l), y(t), x(r), y(b)))])
    assert len(out) >= 3 and len(kept) < len(hits), (len(out), len(kept), len(hits))
    return out


# --- files ------------------------------------------------------------------------------------------------------------

def write(name, inputs, nodes, outputs, constants):
    initializers = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="make.py")
    model.ir_version = 8
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    (HERE / f"{name}.onnx").write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def describe(name, digest, input_lines, output_lines, kept=None, count=COUNT):
    kept = kept or [(index, c, t) for index, (c, t, _) in KEPT.items()]
    rows = "".join(f'    {{ index = {i}, class = "{c}", threshold = {t} }},\n' for i, c, t in kept)
    text = f"""# Written by make.py.
name = "{name}"
file = "{name}.onnx"
sha256 = "{digest}"
licence = "MIT OR Apache-2.0"
source = "tests/models/make.py"

[input]
{input_lines}
[output.{output_lines}
[classes]
count = {count}
kept = [
{rows}]

[same-above]
person = {SAME_ABOVE[0]}
two-wheeler = {SAME_ABOVE[1]}
vehicle = {SAME_ABOVE[2]}
animal = {SAME_ABOVE[3]}
"""
    (HERE / f"{name}.toml").write_text(text)


def image_input(layout, element):
    shape = [1, H, W, 3] if layout == "nhwc" else [1, 3, H, W]
    kind = TensorProto.UINT8 if element == "u8" else TensorProto.FLOAT
    return helper.make_tensor_value_info("image", kind, shape)


def input_lines(layout, element, colour, fit, more=""):
    return (
        f'name = "image"\nwidth = {W}\nheight = {H}\nlayout = "{layout}"\nelement = "{element}"\n'
        f'colour = "{colour}"\nfit = "{fit}"\n{more}'
    )


def family(name, tensors, output_lines, boxes, scores, layout="nchw", element="f32", colour="rgb",
           fit="letterbox-centred", more=""):
    """A model that always answers `tensors` (name: float32 array), plus nothing times its input."""
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    constants = {"zero": np.float32(0)}
    outputs = []
    for key, value in tensors.items():
        constants[f"{key}_says"] = value.astype(np.float32)
        nodes.append(helper.make_node("Add", [f"{key}_says", "nothing"], [key]))
        outputs.append(helper.make_tensor_value_info(key, TensorProto.FLOAT, value.shape))
    digest = write(name, [image_input(layout, element)], nodes, outputs, constants)
    describe(name, digest, input_lines(layout, element, colour, fit, more), output_lines)
    FAMILIES.append({"model": name, "expected": expected(boxes, scores, fit)})


FAMILIES = []


def nanodet():
    boxes, scores = corners(draw_boxes(24)), draw_scores(24)
    family("nanodet", {"boxes": boxes[None], "scores": scores[None]},
           'nanodet]\nboxes = "boxes"\nscores = "scores"\n', boxes, scores, layout="nhwc", element="u8")


def nanodet_raw(name, offset, activation):
    xy, step = places(offset)
    scores = draw_scores(len(xy))
    bins = 8
    logits = RNG.normal(0, 1, (len(xy), 4, bins)) - 0.9 * np.arange(bins)
    distances = (softmax(logits) * np.arange(bins)).sum(-1) * step[:, None]
    boxes = np.concatenate([xy - distances[:, :2], xy + distances[:, 2:]], axis=1)
    said = np.log(scores / (1 - scores)) if activation == "sigmoid" else scores
    rows = np.concatenate([said, logits.reshape(len(xy), -1)], axis=1)
    family(name, {"output": rows[None]},
           f'nanodet-raw]\ntensor = "output"\nstrides = {STRIDES}\nreg-max = 7\ncell-offset = {offset}\n'
           f'activation = "{activation}"\n',
           boxes, scores, colour="bgr", fit="stretch",
           more="mean = [103.53, 116.28, 123.675]\ndeviation = [57.375, 57.12, 58.395]\n")


def yolox():
    xy, step = places(0.0)
    offsets = RNG.uniform(-0.5, 1.5, (len(xy), 2))
    logs = np.log(RNG.uniform(6, 20, (len(xy), 2)) / step[:, None])
    objectness = RNG.uniform(0.6, 1.0, len(xy))
    scores = draw_scores(len(xy), few=10)
    boxes = corners(np.concatenate([xy + offsets * step[:, None], np.exp(logs) * step[:, None]], axis=1))
    rows = np.concatenate([offsets, logs, objectness[:, None], scores], axis=1)
    family("yolox", {"output": rows[None]}, f'yolox]\ntensor = "output"\nstrides = {STRIDES}\n',
           boxes, scores * objectness[:, None], colour="bgr", fit="letterbox-top-left")


def yolov5():
    boxes, scores = draw_boxes(24), draw_scores(24, few=10)
    objectness = RNG.uniform(0.7, 1.0, 24)
    rows = np.concatenate([boxes, objectness[:, None], scores], axis=1)
    family("yolov5", {"output0": rows[None]}, 'yolov5]\ntensor = "output0"\n', corners(boxes),
           scores * objectness[:, None], more="scale = 0.00392156862745098\n")


def yolov8():
    boxes, scores = draw_boxes(24), draw_scores(24)
    rows = np.concatenate([boxes, scores], axis=1)
    family("yolov8", {"output0": rows.T[None]}, 'yolov8]\ntensor = "output0"\n', corners(boxes), scores,
           more="scale = 0.00392156862745098\n")
    rows[3, 4] = np.nan
    family("not-a-number", {"output0": rows.T[None]}, 'yolo11]\ntensor = "output0"\n', corners(boxes), scores)
    FAMILIES.pop()


def detr(name, activation):
    boxes, scores = draw_boxes(20), draw_scores(20)
    unit = boxes / np.array([W, H, W, H])
    if activation == "softmax":  # the last class is "nothing"
        scores = scores / (scores.sum(axis=1, keepdims=True) + 0.05)
        logits = np.log(scores) + RNG.normal(0, 1, (20, 1))
        rest = np.log(1 - scores.sum(axis=1, keepdims=True)) + (logits - np.log(scores))[:, :1]
        logits = np.concatenate([logits, rest], axis=1)
    else:
        logits = np.log(scores / (1 - scores))
    keep_count = logits.shape[1]
    text = f'detr]\nboxes = "pred_boxes"\nlogits = "pred_logits"\nactivation = "{activation}"\n'
    family(name, {"pred_boxes": unit[None], "pred_logits": logits[None]}, text, corners(boxes), scores,
           fit="stretch", more="scale = 0.00392156862745098\nmean = [0.485, 0.456, 0.406]\n"
                               "deviation = [0.229, 0.224, 0.225]\n")
    path = HERE / f"{name}.toml"
    path.write_text(path.read_text().replace(f"count = {COUNT}\n", f"count = {keep_count}\n"))


def detr_labels():
    """As RT-DETR's and D-FINE's exporters write it: boxes in pixels of the size that a second input tells."""
    boxes, scores = draw_boxes(20), draw_scores(20)
    labels, best = scores.argmax(axis=1), scores.max(axis=1)
    unit = corners(boxes) / np.array([W, H, W, H])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Cast", ["orig_target_sizes"], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["size", "size"], ["twice"], axis=1),
        helper.make_node("Mul", ["unit", "twice"], ["boxes"]),
        helper.make_node("Add", ["best", "nothing"], ["scores"]),
        helper.make_node("Identity", ["says"], ["labels"]),
    ]
    constants = {"zero": np.float32(0), "unit": unit[None].astype(np.float32),
                 "best": best[None].astype(np.float32), "says": labels[None].astype(np.int64)}
    inputs = [image_input("nchw", "f32"), helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [1, 2])]
    outputs = [helper.make_tensor_value_info("labels", TensorProto.INT64, [1, 20]),
               helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 20, 4]),
               helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 20])]
    digest = write("detr-labels", inputs, nodes, outputs, constants)
    more = 'scale = 0.00392156862745098\ntarget-size = "orig_target_sizes"\n'
    describe("detr-labels", digest, input_lines("nchw", "f32", "rgb", "stretch", more),
             'detr-labels]\nlabels = "labels"\nboxes = "boxes"\nscores = "scores"\n')
    only = np.where(np.arange(COUNT)[None] == labels[:, None], scores, 0)
    FAMILIES.append({"model": "detr-labels", "expected": expected(corners(boxes), only, "stretch")})


def echo(name, layout, element, colour, fit, scale=1.0, mean=(0, 0, 0), deviation=(1, 1, 1)):
    """Scores [1, 4, 3] = gain * mean of the input by quadrant and channel + shift; a box a quadrant."""
    gain, shift = (1 / 255, 0.0) if element == "u8" else (0.1, 0.5)
    axes = {"nhwc": (1, 2), "nchw": (2, 3)}[layout]
    nodes = [helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT)]
    quadrants = []
    for index, (y, x) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        starts, ends = f"starts{index}", f"ends{index}"
        nodes.append(helper.make_node("Slice", ["float", starts, ends, "axes"], [f"part{index}"]))
        nodes.append(helper.make_node("ReduceMean", [f"part{index}"], [f"mean{index}"], axes=list(axes), keepdims=0))
        quadrants.append((starts, ends, [y * H // 2, x * W // 2], [(y + 1) * H // 2, (x + 1) * W // 2]))
        nodes.append(helper.make_node("Unsqueeze", [f"mean{index}", "one"], [f"row{index}"]))
    nodes += [
        helper.make_node("Concat", [f"row{i}" for i in range(4)], ["means"], axis=1),
        helper.make_node("Mul", ["means", "gain"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["scores"]),
        helper.make_node("Identity", ["says"], ["boxes"]),
    ]
    boxes = np.array([[x * W / 2 + 2, y * H / 2 + 2, (x + 1) * W / 2 - 2, (y + 1) * H / 2 - 2]
                      for y in (0, 1) for x in (0, 1)], np.float32)
    constants = {"axes": np.array(axes, np.int64), "one": np.array([1], np.int64), "gain": np.float32(gain),
                 "shift": np.float32(shift), "says": boxes[None]}
    for starts, ends, a, b in quadrants:
        constants[starts], constants[ends] = np.array(a, np.int64), np.array(b, np.int64)
    outputs = [helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 4, 4]),
               helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4, 3])]
    digest = write(name, [image_input(layout, element)], nodes, outputs, constants)
    more = ""
    if element == "f32":
        more = f"scale = {scale!r}\nmean = {list(map(float, mean))}\ndeviation = {list(map(float, deviation))}\n"
    # Groups that do not suppress each other, and thresholds that nothing stays under.
    kept = [(0, "person", 0.001), (1, "bicycle", 0.001), (2, "car", 0.001)]
    describe(name, digest, input_lines(layout, element, colour, fit, more),
             'nanodet]\nboxes = "boxes"\nscores = "scores"\n', kept, 3)
    # What a picture of four coloured quarters must give: R, G, B of each, in 0..=255.
    colours = np.array([[200, 40, 60], [30, 180, 90], [50, 70, 220], [120, 120, 120]], np.float64)
    order = colours if colour == "rgb" else colours[:, ::-1]
    if fit == "letterbox-centred":  # 96 x 96 into 48 x 32: 32 columns of picture between 8 of padding on each side
        order = (order * 16 + 114.0 * 8) / 24
    fed = order if element == "u8" else (order * scale - np.array(mean)) / np.array(deviation)
    ECHOES.append({"model": name, "confidences": np.round(fed * gain + shift, 4).tolist()})


ECHOES = []


def drawn(make, *arguments):
    """Draws until every number is far enough from its threshold, and something is suppressed."""
    for _ in range(1000):
        try:
            return make(*arguments)
        except AssertionError:
            continue
    raise SystemExit(f"{make.__name__}{arguments}: nothing fits")


def main():
    drawn(nanodet)
    drawn(nanodet_raw, "nanodet-raw", 0.5, "none")
    drawn(nanodet_raw, "nanodet-plus", 0.0, "sigmoid")
    drawn(yolox)
    drawn(yolov5)
    drawn(yolov8)
    drawn(detr, "detr", "sigmoid")
    drawn(detr, "detr-softmax", "softmax")
    drawn(detr_labels)
    imagenet = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)}
    echo("echo-nhwc-u8-rgb", "nhwc", "u8", "rgb", "stretch")
    echo("echo-nchw-u8-bgr", "nchw", "u8", "bgr", "stretch")
    echo("echo-nchw-f32-rgb", "nchw", "f32", "rgb", "letterbox-centred", **imagenet)
    echo("echo-nhwc-f32-bgr", "nhwc", "f32", "bgr", "stretch", scale=1 / 128, mean=(1.0, 1.1, 0.9))
    text = json.dumps({"picture": PICTURE, "families": FAMILIES, "echoes": ECHOES}, indent=1)
    (HERE / "families.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
