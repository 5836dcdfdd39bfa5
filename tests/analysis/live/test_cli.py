"""``samezone web``: what is refused before anything is started."""

from pathlib import Path

import pytest

from tests.analysis.test_cli import Terminal


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "give it by --locustfile FILE"),
        (("--platform", "cluster"), "put LOCUST_WEB_LOGIN=true into Secret samezone-web of namespace locust"),
        (("--platform", "cluster", "--locustfile", "x.py"), "Secret samezone-web"),
    ],
)
def test_a_login_is_set_up_where_the_master_is(tmp_path: Path, options: tuple[str, ...], why: str):
    """Exit 2 and one line: on the lab a locustfile says who may, on a cluster the master's pod."""
    code, err = Terminal(folder=tmp_path).fails("web", "--web-login", *options)

    assert code == 2
    assert why in err
