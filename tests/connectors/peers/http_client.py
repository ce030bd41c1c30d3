"""http_client.py PORT: speaks with a server, and prints what it answers."""

import http.client
import sys

opened = 0


class Connection(http.client.HTTPConnection):
    def connect(self):
        global opened
        opened += 1
        super().connect()


def ask(method, target, body=None, **kwargs):
    connection.request(method, target, body, **kwargs)
    answer = connection.getresponse()
    answer.read()
    print(' '.join(filter(None, (method, target, str(answer.status), answer.getheader('Allow')))), flush=True)


connection = Connection('127.0.0.1', int(sys.argv[1]), timeout=20)
ask('POST', '/in/first', 'first')
ask('PUT', '/in', 'second')
ask('POST', '/in?chunked', iter([b'in ', b'three ', b'chunks']), encode_chunked=True)
ask('POST', '/inner', 'nobody takes it')
ask('GET', '/in')
ask('DELETE', '/in')
ask('POST', '/in/last', 'last')
print(opened, 'connection', flush=True)
ask('POST', '/in/big', 'x' * 200_000)
