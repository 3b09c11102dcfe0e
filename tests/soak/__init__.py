"""A long run of everything at once: `make soak MINUTES=…`.

A real Chromium without a debugger, an installed host and local servers carry event streams, downloads, uploads, aborts
and reloads for as long as asked; memory, descriptors, threads, CPU time and wake-ups of the processes are sampled.

    plan      what happens when, scaled to the minutes there are
    servers   what the host talks to, and what it says was sent
    tab       a page that takes orders and reports by itself
    page.js   what runs in that page
    tasks     one thing to do in a page, and how it must end
    load      the phases of a run
    ledger    how everything ended
    sampling  what the processes use
    judging   slopes and their bounds
    plot      the picture
    screen    the table in the terminal
"""
