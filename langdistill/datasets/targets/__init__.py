"""What the student must say, one choice a file: functions of a problem's recorded runs, and of no gold answer unless a judge is given some."""
