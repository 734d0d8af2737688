#!/usr/bin/env python3
"""What NanoDet finds on vtest, computed without a line of Cunkou: ffmpeg decodes and makes RGB, Pillow scales,
ONNX Runtime's Python package runs the model, numpy does the rest. Writes vtest.json.

    pip install numpy onnxruntime pillow
    ./expect_vtest.py ../../.cache/footage/vtest.mp4 ../../models/nanodet-g-416-int8.onnx
"""
import json
import subprocess
import sys

import numpy as np
import onnxruntime
from PIL import Image

WIDTH, HEIGHT, SIDE, EVERY = 768, 576, 416, 10
# index in COCO's 80 classes: (name, threshold, group)
KEPT = {
    0: ("person", 0.45, 0), 1: ("bicycle", 0.40, 1), 3: ("motorcycle", 0.40, 1),
    2: ("car", 0.40, 2), 5: ("bus", 0.40, 2), 7: ("truck", 0.40, 2),
    16: ("dog", 0.35, 3), 17: ("horse", 0.35, 3), 18: ("sheep", 0.35, 3), 19: ("cow", 0.35, 3),
}
SAME_ABOVE = 0.45


def frames(video):
    command = ["ffmpeg", "-v", "error", "-i", video, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    size = WIDTH * HEIGHT * 3
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ffmpeg:
        number = 0
        while len(data := ffmpeg.stdout.read(size)) == size:
            if number % EVERY == 0:
                yield number, np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 3)
            number += 1


def letterbox(rgb):
    scale = min(SIDE / WIDTH, SIDE / HEIGHT)
    w, h = round(WIDTH * scale), round(HEIGHT * scale)
    x, y = (SIDE - w) // 2, (SIDE - h) // 2
    square = Image.new("RGB", (SIDE, SIDE), (114, 114, 114))
    square.paste(Image.fromarray(rgb).resize((w, h), Image.Resampling.BILINEAR), (x, y))
    return np.asarray(square)[None], x, y, w / WIDTH, h / HEIGHT


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return shared / (area(a) + area(b) - shared)


def found(boxes, scores, x, y, sx, sy):
    all_boxes = []
    for index, (name, threshold, group) in KEPT.items():
        for place in np.flatnonzero(scores[:, index] >= threshold):
            l, t, r, b = boxes[place]
            box = [(l - x) / sx, (t - y) / sy, (r - x) / sx, (b - y) / sy]
            box = [min(max(v, 0.0), m) for v, m in zip(box, [WIDTH, HEIGHT, WIDTH, HEIGHT])]
            all_boxes.append((float(scores[place, index]), name, group, box))
    kept = []
    for one in sorted(all_boxes, reverse=True, key=lambda one: one[0]):
        if all(other[2] != one[2] or iou(other[3], one[3]) <= SAME_ABOVE for other in kept):
            kept.append(one)
    return [[name, round(score, 3), *(round(float(v), 1) for v in box)] for score, name, _, box in kept]


def main(video, model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rows = []
    for number, rgb in frames(video):
        image, x, y, sx, sy = letterbox(rgb)
        boxes, scores = session.run(["boxes", "scores"], {"image_u8": image})
        rows.append([number, found(boxes[0], scores[0], x, y, sx, sy)])
    with open("vtest.json", "w", encoding="utf-8") as out:
        # One frame a line: [number, [[class, confidence, left, top, right, bottom in pixels], ...]]
        out.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
