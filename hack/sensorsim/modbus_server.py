#!/usr/bin/env python3
"""A Modbus server of Debian's python3-pymodbus, on a serial port or TCP.

usage: modbus_server.py [--filled] rtu PORT BAUD UNIT…
       modbus_server.py [--filled] tcp HOST:PORT UNIT…

Registers and bits are 0, or, filled: register n of a unit is 100 times its
address, plus n, and bit n is on if n is odd.

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

    def __init__(self, unit, bits):
        super().__init__(0, bits)
        self.unit = unit

    def setValues(self, address, values):  # noqa: N802
        super().setValues(address, values)
        for i, v in enumerate(values if isinstance(values, list) else [values]):
            print("coil", self.unit, address + i, int(v), flush=True)


def main():
    filled = sys.argv[1] == "--filled"
    kind, where, *rest = sys.argv[2:] if filled else sys.argv[1:]
    if kind == "rtu":
        baud, rest = int(rest[0]), rest[1:]
    units = {}
    for u in map(int, rest):
        bits = [filled and n % 2 == 1 for n in range(256)]
        registers = [100 * u + n if filled else 0 for n in range(256)]
        units[u] = ModbusSlaveContext(
            di=ModbusSequentialDataBlock(0, list(bits)),
            co=Coils(u, list(bits)),
            hr=ModbusSequentialDataBlock(0, list(registers)),
            ir=ModbusSequentialDataBlock(0, list(registers)),
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
