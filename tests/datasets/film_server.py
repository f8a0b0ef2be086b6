"""A server that answers like TMDb and OMDb, as a process of its own: `python film_server.py --log FILE`.

It prints its port. Films come from csv files; without them every film exists, and is invented from its id.
"""

import argparse
import asyncio
import csv
import json
import re
import time
from pathlib import Path
from typing import Any

NUMBERS = ("vote_average", "vote_count", "budget", "revenue", "runtime", "popularity")
Films = dict[int, dict[str, str]]


def read_films(path: Path | None, column: str) -> Films | None:
    if path is None:
        return None
    with path.open(encoding="utf-8", newline="") as file:
        return {int(row[column].removeprefix("tt")): row for row in csv.DictReader(file)}


def tmdb_film(film_id: int, films: Films | None) -> dict[str, Any]:
    if films is None:
        return {
            "id": film_id,
            "title": f"Film {film_id}",
            "overview": "What happens in the film, at some length. " * 8,
            "credits": {"cast": [{"name": f"Actor {n}", "profile_path": None, "order": n} for n in range(40)]},
        }
    if film_id not in films:
        return {"success": False, "status_code": 34, "status_message": "The resource you requested could not be found."}
    row = films[film_id]
    film: dict[str, Any] = {name: float(row[name]) if row.get(name) else None for name in NUMBERS}
    film |= {name: row[name] for name in ("title", "release_date", "original_language")}
    return film | {"id": film_id, "origin_country": row["origin_country"].split(", ")}


def omdb_film(film_id: int, films: Films | None) -> dict[str, Any]:
    if films is None:
        return {"Response": "True", "imdbID": f"tt{film_id:07d}", "Title": f"Film {film_id}"}
    if film_id not in films:
        return {"Response": "False", "Error": "Error getting data."}
    return {"Response": "True", **films[film_id]}


class FilmServer:
    def __init__(self, options: argparse.Namespace) -> None:
        self.latency = options.latency
        self.log = options.log.open("a", encoding="utf-8", buffering=1)
        self.tmdb = read_films(options.tmdb, "tmdbId")
        self.omdb = read_films(options.omdb, "imdbID")

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(self.latency)
                writer.write(self.reply(head.split(b" ")[1].decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def reply(self, target: str) -> bytes:
        film_id = int(re.findall(r"(?:/movie/|i=tt)(\d+)", target)[0])
        film = tmdb_film(film_id, self.tmdb) if "/movie/" in target else omdb_film(film_id, self.omdb)
        status = 404 if film.get("success") is False else 200
        self.log.write(f"{film_id} {time.monotonic()}\n")
        body = json.dumps(film).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


async def serve(options: argparse.Namespace) -> None:
    server = await asyncio.start_server(FilmServer(options).answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--log", type=Path, required=True, help="file that gets the id of each film asked for, and the seconds"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before an answer")
    parser.add_argument("--tmdb", type=Path, help="csv file of the films of TMDb")
    parser.add_argument("--omdb", type=Path, help="csv file of the films of OMDb")
    asyncio.run(serve(parser.parse_args()))
