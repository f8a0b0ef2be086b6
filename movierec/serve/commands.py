"""The command `serve`."""

import argparse
import socket
import sys
from ipaddress import ip_address
from pathlib import Path

from movierec.console import busy, expand_home
from movierec.errors import ConfigError


def add_serve(command: argparse.ArgumentParser) -> None:
    """Add the options of `serve`."""
    command.description = (
        "Serve a page and an API (documented at /docs) to this machine. Nothing about anybody is stored. "
        "Needs `pip install 'movierec[serve]'`."
    )
    add = command.add_argument
    add("--ckpt_path", type=expand_home, metavar="FILE", help="as of `recommend`")
    add("--stars_from", type=expand_home, metavar="FILE", help="as of `recommend`")
    add("--runs", type=expand_home, default=Path("lightning_logs"), help="folder of the runs")
    add("--host", type=ip_address, default="127.0.0.1", help="0.0.0.0 also serves other machines, without a login")
    add("--port", type=int, default=8000, help="default: 8000; 0 takes any that is free")
    command.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C.

    Raises:
        ConfigError: The extra is not installed, or the port is taken.
    """
    with busy("loading PyTorch"):
        from movierec.recommend.checkpoints import load
    recommender, checkpoints = load(options.runs, options.ckpt_path, options.stars_from)
    with busy("starting the server"):
        try:
            import uvicorn

            from movierec.serve.about import describe
            from movierec.serve.app import create_app
        except ImportError as error:
            raise ConfigError(
                f"Expected the package {error.name}, which is not installed: pip install 'movierec[serve]'"
            ) from error
        import torch

        from movierec.datasets.root import default_root
        from movierec.recommend.matching import read_film_facts
        from movierec.serve.films import FilmService

        torch.set_num_threads(1)  # requests share the cores
        service = FilmService(recommender, read_film_facts(default_root(), recommender.model))
        about = describe(service, checkpoints)
        server = uvicorn.Server(uvicorn.Config(create_app(service, about), log_level="warning"))
    with bind(options.port, str(options.host)) as listening:
        if not options.host.is_loopback:
            print("warning: everybody who reaches this machine can use the page; there is no login", file=sys.stderr)
        models = ", ".join(f"{model.role} by {model.name}" for model in about.models)
        print(f"http://{options.host}:{listening.getsockname()[1]}  ({models}; Ctrl-C ends)", flush=True)
        server.run(sockets=[listening])
    return 0


def bind(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Take a port of an address of this machine.

    Raises:
        ConfigError: It is taken, or there is none of that number, or no such address.
    """
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # with which asyncio sends small answers at once
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # before the address is printed: who comes at once waits and is not refused
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigError(
            f"Expected a free --port of {host}, got {port}: {getattr(error, 'strerror', None) or error}."
        ) from error
    return listening
