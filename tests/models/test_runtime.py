import subprocess
import sys


def test_the_seed_and_the_threads_are_set():
    code = (
        "from fakefaces.models import runtime; runtime.start(seed=7, threads=1); import tensorflow as tf, keras; "
        "print(tf.config.threading.get_intra_op_parallelism_threads(), float(keras.random.uniform(())))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert runs[0].startswith("1 ")
