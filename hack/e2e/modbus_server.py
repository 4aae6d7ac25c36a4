#!/usr/bin/env python3
"""A Modbus server of Debian's python3-pymodbus, on a serial port or TCP.

usage: modbus_server.py rtu PORT BAUD UNIT…  |  modbus_server.py tcp HOST:PORT UNIT…

A line "unit register value" on standard input sets a holding register, and
"unit coil number value" a coil. What a client writes to a coil is printed as
"coil unit number value".
"""
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer


class Coils(ModbusSequentialDataBlock):
    """Coils that tell what is written to them."""

    def __init__(self, unit):
        super().__init__(0, [False] * 256)
        self.unit = unit

    def setValues(self, address, values):  # noqa: N802
        super().setValues(address, values)
        for i, v in enumerate(values if isinstance(values, list) else [values]):
            print("coil", self.unit, address + i, int(v), flush=True)


def main():
    kind, where, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    if kind == "rtu":
        baud, rest = int(rest[0]), rest[1:]
    units = {}
    for u in map(int, rest):
        units[u] = ModbusSlaveContext(
            di=ModbusSequentialDataBlock(0, [False] * 256),
            co=Coils(u),
            hr=ModbusSequentialDataBlock(0, [0] * 256),
            ir=ModbusSequentialDataBlock(0, [0] * 256),
            zero_mode=True,
        )

    def control():
        for line in sys.stdin:
            unit, *what = line.split()
            if what[0] == "coil":
                units[int(unit)].store["c"].setValues(int(what[1]), [bool(int(what[2]))])
            else:
                units[int(unit)].store["h"].setValues(int(what[0]), [int(what[1])])
            print("set", flush=True)

    threading.Thread(target=control, daemon=True).start()
    context = ModbusServerContext(slaves=units, single=False)
    print("ready", flush=True)
    if kind == "rtu":
        StartSerialServer(context=context, framer=ModbusRtuFramer, port=where, baudrate=baud, timeout=0.005)
    else:
        host, port = where.rsplit(":", 1)
        StartTcpServer(context=context, address=(host, int(port)))


main()
