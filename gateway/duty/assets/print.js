'use strict';
document.getElementById('print').onclick = () => window.print();
