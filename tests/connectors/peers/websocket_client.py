"""websocket_client.py PORT WHAT: speaks with a server by another implementation, and prints what happens."""

import asyncio
import sys

import websockets

PORT = int(sys.argv[1])
URI = f'ws://127.0.0.1:{PORT}/any'


async def close_code(socket):
    try:
        await asyncio.wait_for(socket.recv(), 20)
    except websockets.ConnectionClosed:
        pass
    print(socket.close_code, flush=True)


async def send_many(clients, messages):
    """Each with its own numbers, text and binary in turn; then leaves politely."""
    async def one(client):
        async with websockets.connect(URI) as socket:
            for x in range(messages):
                text = f'{client} {x}'
                await socket.send(text.encode() if x % 2 else text)
    await asyncio.gather(*(one(client) for client in range(clients)))
    print('sent', flush=True)


async def send_big(size):
    async with websockets.connect(URI) as socket:
        await socket.send('x' * 1000)
        await socket.send('y' * size)
        await close_code(socket)


async def stay():
    """Says one thing and waits for the end."""
    async with websockets.connect(URI) as socket:
        await socket.send('here')
        print('said', flush=True)
        await close_code(socket)


async def break_off():
    """Sends half a message and goes."""
    socket = await websockets.connect(URI)
    await socket.send('whole')
    socket.transport.write(b'\x81\xfe\x01\x00\0\0\0\0half')
    socket.transport.close()
    print('gone', flush=True)


what, *numbers = sys.argv[2:]
asyncio.run(globals()[what](*map(int, numbers)))
