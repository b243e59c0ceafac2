import subprocess
import sys


def test_keras_is_started_without_what_nobody_asks_it_for_and_both_can_be_imported_later():
    code = (
        "import sys; from fakefaces import runtime; runtime.start(seed=0, threads=1); "
        "assert not {'sklearn', 'matplotlib'} & set(sys.modules); "
        "import sklearn.svm, matplotlib.figure; print('both')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("both", 0), done.stderr


def test_the_seed_and_the_threads_are_settled():
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
