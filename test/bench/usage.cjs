// Required into a measured process: tells on descriptor 3, when it ends, what it has used.
const { writeSync } = require('node:fs');

process.on('exit', () => writeSync(3, JSON.stringify(process.resourceUsage())));
