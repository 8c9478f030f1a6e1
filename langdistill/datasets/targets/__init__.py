"""What the student must say, one choice a file: functions of a problem's recorded runs, never of its gold answer."""
