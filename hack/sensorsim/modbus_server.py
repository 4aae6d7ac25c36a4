#!/usr/bin/python3
"""Modbus units of Debian's python3-pymodbus, which is not ours: RTU on a serial port, or TCP.

usage: modbus_server.py rtu PORT UNITS | tcp PORT UNITS

Units are 1 to UNITS. Register n of each holds 100 times its address, plus n; coil and discrete input n are on if
n is odd. Prints "ready" when it serves.
"""

import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

SIZE = 200


def unit(address):
    def registers():
        return ModbusSequentialDataBlock(0, [100 * address + n for n in range(SIZE)])

    def bits():
        return ModbusSequentialDataBlock(0, [n % 2 == 1 for n in range(SIZE)])

    return ModbusSlaveContext(di=bits(), co=bits(), hr=registers(), ir=registers(), zero_mode=True)


async def main():
    kind, port, units = sys.argv[1], sys.argv[2], int(sys.argv[3])
    context = ModbusServerContext(slaves={a: unit(a) for a in range(1, units + 1)}, single=False)
    asyncio.get_running_loop().call_later(0.5, lambda: print("ready", flush=True))
    if kind == "rtu":
        await StartAsyncSerialServer(context=context, framer=ModbusRtuFramer, port=port, baudrate=19200)
    else:
        await StartAsyncTcpServer(context=context, framer=ModbusSocketFramer, address=("127.0.0.1", int(port)))


asyncio.run(main())
