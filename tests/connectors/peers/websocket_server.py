"""websocket_server.py COUNT: prints its port, then COUNT messages, then how the client left."""

import asyncio
import sys

import websockets


async def main(count):
    left = asyncio.get_running_loop().create_future()

    async def take(socket):
        print(socket.path, flush=True)
        for _ in range(count):
            message = await socket.recv()
            print(type(message).__name__, message if isinstance(message, str) else message.decode(), flush=True)
        await socket.wait_closed()
        left.set_result(socket.close_code)

    async with websockets.serve(take, '127.0.0.1', 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        print('closed with', await asyncio.wait_for(left, 40), flush=True)


asyncio.run(main(int(sys.argv[1])))
