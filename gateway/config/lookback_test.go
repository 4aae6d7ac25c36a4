package config

var lookbackMistakes = []mistake{
	{"lookback", head + "lookback: {bytes: 8GiB, age: 2h, on: tape}\n",
		"4: lookback.bytes: must be from 0B to 4GiB\n4: lookback.age: must be from 1m to 1h\n4: lookback.on: \"tape\" is none of memory, disk"},
}
