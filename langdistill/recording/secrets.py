def secrets():
    return lambda text: ()
