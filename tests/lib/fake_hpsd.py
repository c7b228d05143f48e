"""An hpsd that answers from a dictionary: method -> what to say.

What to say is {"result": ...}, {"error": ...}, {"hang_up": true}, or a list of
those, one a call, the last again and again. "notices" beside a result are sent
after it as "progress"; then the connection ends unless "stays" or the search
has. {"raw": text} is sent as it is. Every request is kept in `requests`.
"""
import json
import os
import socket
import threading

VERSION = {"version": "0.1.0", "protocol": 1,
           "pid": 4194305,  # above every pid
           "state_dir": "/state", "socket": "/state/hpsd.sock",
           "started": "2026-11-23T22:00:00.000Z"}


class FakeHpsd:
    def __init__(self, path, replies):
        self.replies = {"version": {"result": VERSION}, **replies}
        self.calls = {}
        self.requests = []
        self.left = threading.Event()  # a client that asked has hung up
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o600)
        self.listener.listen()
        self.path = path
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,),
                             daemon=True).start()

    def serve(self, conn):
        with conn, conn.makefile("rw", encoding="utf-8") as stream:
            for line in stream:
                if not self.answer(json.loads(line), stream):
                    break
        if self.requests:
            self.left.set()

    def answer(self, request, stream):
        method = request["method"]
        if method != "version":
            self.requests.append(
                f"{method} {json.dumps(request.get('params'))}")
        replies = self.replies[method]
        if not isinstance(replies, list):
            replies = [replies]
        nth = self.calls.get(method, 0)
        self.calls[method] = nth + 1
        reply = dict(replies[min(nth, len(replies) - 1)])
        notices = reply.pop("notices", [])
        stays = reply.pop("stays", False)
        if reply.pop("hang_up", False):
            return False
        if "raw" in reply:
            stream.write(reply["raw"])
            stream.flush()
            return True
        self.send(stream, {"jsonrpc": "2.0", "id": request["id"], **reply})
        for params in notices:
            self.send(stream, {"jsonrpc": "2.0", "method": "progress",
                               "params": params})
        # A daemon that has announced its end hangs up, as does one whose
        # canned notices end before the search does.
        return method != "shutdown" and (stays or not (
            notices and notices[-1]["state"] in ("running", "paused")))

    @staticmethod
    def send(stream, message):
        stream.write(json.dumps(message) + "\n")
        stream.flush()

    def close(self):
        # In this order: a thread in accept() must not meet the number of the
        # closed descriptor again in the next one's listener.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        os.unlink(self.path)
